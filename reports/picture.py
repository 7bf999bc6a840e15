"""Where things stand in the two drawings, cluster and curve of the loss; lengths in SVG user units."""

from dataclasses import dataclass

from reports.model import Node, Report, Training
from reports.outcome import Outcome

BOX_WIDTH, BOX_HEIGHT, GAP = 200, 88, 24
STUB = 34
MOST_IN_A_ROW = 4
RAIL = 8

CURVE_WIDTH, CURVE_HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 32
MOST_POINTS = 400


@dataclass(frozen=True)
class NodeBox:
    """A node with the corner of its box and the worst outcome of its own checks, None where none was run."""

    node: Node
    x: int
    y: int
    worst: Outcome | None


@dataclass(frozen=True)
class ClusterDrawing:
    """Boxes in rows above their stretch of fabric; fabric lines are (x1, y1, x2, y2)."""

    width: int
    height: int
    boxes: tuple[NodeBox, ...]
    fabric: tuple[tuple[int, int, int, int], ...]


def cluster(report: Report) -> ClusterDrawing:
    """Place the nodes, at most four in a row, and the fabric that joins them."""
    columns = min(len(report.nodes), MOST_IN_A_ROW)
    row_height = BOX_HEIGHT + STUB + GAP
    several_rows = len(report.nodes) > MOST_IN_A_ROW
    left = 2 * RAIL if several_rows else 1
    boxes = []
    for index, node in enumerate(report.nodes):
        row, column = divmod(index, MOST_IN_A_ROW)
        own = [check.outcome for check in report.checks if check.node == node.name]
        x = left + column * (BOX_WIDTH + GAP)
        boxes.append(NodeBox(node, x, 1 + row * row_height, min(own, key=list(Outcome).index, default=None)))
    middle = BOX_WIDTH // 2
    levels = sorted({box.y + BOX_HEIGHT + STUB for box in boxes})
    lines = [(box.x + middle, box.y + BOX_HEIGHT, box.x + middle, box.y + BOX_HEIGHT + STUB) for box in boxes]
    for level in levels:
        stubs = [box.x + middle for box in boxes if box.y + BOX_HEIGHT + STUB == level]
        lines.append((RAIL if several_rows else stubs[0], level, stubs[-1], level))
    if several_rows:
        lines.append((RAIL, levels[0], RAIL, levels[-1]))
    width = left + columns * (BOX_WIDTH + GAP) - GAP + 1
    return ClusterDrawing(width, max(levels, default=0) + 24, tuple(boxes), tuple(lines))


@dataclass(frozen=True)
class Curve:
    """The loss over the steps: points for a polyline, the last point, and the figures at the axes' ends."""

    points: str
    last: tuple[float, float]
    steps: tuple[int, int]
    losses: tuple[float, float]
    low: float
    high: float


def loss_curve(training: Training) -> Curve | None:
    """Place the losses that are numbers; None where there are fewer than two."""
    known = [(step.step, step.loss) for step in training.steps if step.loss is not None]
    if len(known) < 2:
        return None
    stride = -(-len(known) // MOST_POINTS)
    drawn = known[:-1:stride] + known[-1:]
    numbers, losses = [number for number, _ in known], [loss for _, loss in drawn]
    start, end, low, high = min(numbers), max(numbers), min(losses), max(losses)
    spots = [
        (
            round(LEFT + (number - start) / ((end - start) or 1) * (CURVE_WIDTH - LEFT - RIGHT), 1),
            round(TOP + (high - loss) / ((high - low) or 1) * (CURVE_HEIGHT - TOP - BOTTOM), 1),
        )
        for number, loss in drawn
    ]
    points = " ".join(f"{x},{y}" for x, y in spots)
    return Curve(points, spots[-1], (start, end), (known[0][1], known[-1][1]), low, high)
