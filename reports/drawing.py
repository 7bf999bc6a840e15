"""Where things stand in the drawing of the cluster; lengths in SVG user units.

Every node is a box: its parts, a row each, and below them its ports. The management network runs above each row of
boxes, the lanes of the fabric, one for each interface, below; a rail at either side joins the rows of a large cluster.
"""

from dataclasses import dataclass

from reports.model import Link, Located, Node, Report
from reports.outcome import Outcome
from reports.parts import Part, about, about_link, about_login, worst

WIDTH, ROW, HEAD = 256, 24, 40
GAP, WIDE_GAP = 24, 150
"""Between boxes; two have the room to show the cables between them."""
PORT_ROW, FOOT = 40, 8
MOST_IN_A_ROW = 4
ABOVE = 28
"""Between the management line and the boxes below it."""
LANE = 16
RAIL = 10
LABEL = 18


@dataclass(frozen=True)
class Row:
    """One part of a node: what it is, how it fares, and the check to go to, by position; None where none was run.

    `aside` stands at the end of the line, `below` is a second line.
    """

    y: int
    label: str
    aside: str
    below: str
    outcome: Outcome | None
    check: int | None


@dataclass(frozen=True)
class Box:
    """A node with the corner of its box, the worst of all its checks, and a row for each part and each port."""

    node: Node
    x: int
    y: int
    outcome: Outcome | None
    rows: tuple[Row, ...]
    ports: tuple[Row, ...]


@dataclass(frozen=True)
class Line:
    """A stretch of a network, `management` or `lane` of the fabric, with the worst of the checks about it.

    What is not `up` joins nothing: there is no carrier at an end of it.
    """

    kind: str
    points: str
    outcome: Outcome | None = None
    up: bool = True


@dataclass(frozen=True)
class Word:
    """The name of a network beside its line."""

    x: int
    y: int
    text: str


@dataclass(frozen=True)
class Drawing:
    """All of it; boxes have one size."""

    width: int
    height: int
    box_height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    words: tuple[Word, ...]


def draw(report: Report) -> Drawing:
    """Place the nodes, at most four in a row, with the networks that join them."""
    nodes = report.nodes
    columns = max(1, min(len(nodes), MOST_IN_A_ROW))
    lanes = _lanes(nodes)
    height = max((_box_height(node) for node in nodes), default=0)
    several = len(nodes) > MOST_IN_A_ROW
    left = 3 * RAIL if several else 1
    gap = WIDE_GAP if columns <= 2 else GAP
    pitch = LABEL + ABOVE + height + (len(lanes) or 1) * LANE + 3 * LABEL
    boxes = []
    for index, node in enumerate(nodes):
        line, column = divmod(index, MOST_IN_A_ROW)
        x, y = left + column * (WIDTH + gap), LABEL + ABOVE + line * pitch
        boxes.append(_box(report, node, x, y))
    width = left + columns * (WIDTH + gap) - gap + (3 * RAIL if several else 1)
    lines, words = _networks(report, boxes, lanes, height, width if several else None)
    rows = -(-len(nodes) // MOST_IN_A_ROW)
    return Drawing(width, rows * pitch, height, tuple(boxes), tuple(lines), tuple(words))


def shown_ports(node: Node) -> list[Link]:
    """Return the ports of the fabric that are drawn: those with a carrier or an address; without any, all."""
    ports = [link for link in node.links or () if link.network == "fabric"]
    return [link for link in ports if link.up or link.addresses] or ports


def _lanes(nodes: tuple[Node, ...]) -> list[str]:
    return sorted({link.name for node in nodes for link in shown_ports(node)}, key=str.lower)


def _box_height(node: Node) -> int:
    return HEAD + 5 * ROW + len(shown_ports(node)) * PORT_ROW + FOOT


def _box(report: Report, node: Node, x: int, y: int) -> Box:
    labels = [
        (Part.MACHINE, node.address or "no address", _management(node)),
        (Part.GPU, _gpus(node), ""),
        (Part.DOCKER, f"Docker {node.docker}" if node.docker else "Docker not known", ""),
        (Part.SWARM, f"swarm: {node.swarm or 'not known'}", ""),
        (Part.WORK, "stack and training", "" if node.rank is None else f"rank {node.rank}"),
    ]
    rows = [
        _row(HEAD + index * ROW, (label, aside, ""), about(report, part, node.name))
        for index, (part, label, aside) in enumerate(labels)
    ]
    fabric = about(report, Part.FABRIC, node.name)
    ports = [
        _row(HEAD + 5 * ROW + index * PORT_ROW, (port.name, _speed(port), _settings(port)), about_link(fabric, [port]))
        for index, port in enumerate(shown_ports(node))
    ]
    own = worst(report.by_node.get(node.name, []))
    return Box(node, x, y, own.check.outcome if own else None, tuple(rows), tuple(ports))


def _row(y: int, words: tuple[str, str, str], entries: list[Located]) -> Row:
    found = worst(entries)
    return Row(y, *words, found.check.outcome if found else None, found.position if found else None)


def _management(node: Node) -> str:
    return next((link.name for link in node.links or () if link.network == "management"), "")


def _gpus(node: Node) -> str:
    if node.gpus is None:
        return "GPU not known"
    names = {gpu.name or "GPU" for gpu in node.gpus}
    number = f"{len(node.gpus)} of " if len(node.gpus) > 1 else ""
    return f"{number}{' and '.join(sorted(names))}" if names else "no GPU"


def _speed(port: Link) -> str:
    if not port.up:
        return "no carrier"
    return "speed unknown" if port.speed_mbps is None else f"{port.speed_mbps / 1000:g} Gb/s"


def _settings(port: Link) -> str:
    return " · ".join([", ".join(port.addresses) or "no address", *([f"MTU {port.mtu}"] if port.mtu else [])])


def _networks(
    report: Report, boxes: list[Box], lanes: list[str], height: int, width: int | None
) -> tuple[list[Line], list[Word]]:
    """Draw both networks; `width` is that of the drawing where rails join several rows of boxes."""
    lines: list[Line] = []
    words: list[Word] = []
    tops = sorted({box.y for box in boxes})
    for top in tops:
        row = [box for box in boxes if box.y == top]
        lines += _management_lines(report, row, width)
        words.append(Word(row[0].x, top - ABOVE - 6, "management network"))
        for index, lane in enumerate(lanes):
            level = top + height + LABEL + index * LANE
            lines += _lane(report, row, lane, (index, level), height, joined=width is not None)
        words.append(
            Word(row[0].x, top + height + 2 * LABEL + len(lanes) * LANE, f"fabric: {', '.join(lanes) or 'not known'}")
        )
    if width is not None and boxes:
        lines.append(Line("management", f"{width - RAIL},{tops[0] - ABOVE} {width - RAIL},{tops[-1] - ABOVE}"))
        first, last = tops[0] + height + LABEL, tops[-1] + height + LABEL
        for index, lane in enumerate(lanes):
            x = RAIL + index * 4
            lines.append(Line("lane", f"{x},{first + index * LANE} {x},{last + index * LANE}", _of_lane(report, lane)))
    return lines, words


def _management_lines(report: Report, row: list[Box], width: int | None) -> list[Line]:
    level = row[0].y - ABOVE
    middles = [box.x + WIDTH // 2 for box in row]
    end = width - RAIL if width is not None else middles[-1]
    stubs = [
        Line("management", f"{x},{level} {x},{box.y}", _of_login(report, box.node))
        for box, x in zip(row, middles, strict=True)
    ]
    return [Line("management", f"{middles[0]},{level} {end},{level}"), *stubs]


def _of_login(report: Report, node: Node) -> Outcome | None:
    return _outcome(about_login(about(report, Part.MACHINE, node.name)))


def _lane(
    report: Report, row: list[Box], lane: str, place: tuple[int, int], height: int, *, joined: bool
) -> list[Line]:
    index, level = place
    outcome = _of_lane(report, lane)
    ends = [(box, link) for box in row for link in shown_ports(box.node) if link.name == lane]
    if not ends:
        return []
    drops = [box.x + WIDTH // 2 + (2 * index - 1) * GAP for box, _ in ends]
    stubs = []
    for (box, link), x in zip(ends, drops, strict=True):
        port = next(one for one in box.ports if one.label == lane)
        bottom = row[0].y + height
        stubs.append(Line("lane", f"{x},{bottom} {x},{level}", port.outcome, link.up))
    start = RAIL + index * 4 if joined else drops[0]
    # Two ends make a link; where rows are joined the other one may be in another row.
    up = sum(link.up for _, link in ends) >= (1 if joined or len(ends) == 1 else 2)
    return [Line("lane", f"{start},{level} {drops[-1]},{level}", outcome, up), *stubs]


def _of_lane(report: Report, lane: str) -> Outcome | None:
    links = [link for node in report.nodes for link in node.links or () if link.name == lane]
    return _outcome(about_link(about(report, Part.FABRIC, None), links))


def _outcome(entries: list[Located]) -> Outcome | None:
    found = worst(entries)
    return found.check.outcome if found else None
