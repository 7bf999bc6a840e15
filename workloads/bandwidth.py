"""How fast the fabric is between neighbours, measured on each of its interfaces: TCP, and RDMA where there is any.

Every node sends to the next, the last to the first, one after the other, so that no two measurements share a cable.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from cluster.cluster import Cluster
from cluster.errors import ClusterError, UnknownFact
from cluster.node import Node
from cluster.probes import invocation

STREAMS = 8
SECONDS = 3
_DEADLINE_S = 30


@dataclass(frozen=True)
class Flow:
    """One measurement: from one node to the next over one interface, in Gb/s or in microseconds."""

    source: str
    target: str
    interface: str
    figure: float

    def __str__(self) -> str:
        """Name the way."""
        return f"{self.source} to {self.target} over {self.interface}"


@dataclass(frozen=True)
class Way:
    """One interface between two neighbours, with their addresses on it."""

    source: Node
    target: Node
    interface: str

    @property
    def here(self) -> IPv4Address:
        """The sender's address."""
        return self.source.fabric[self.interface].ip

    @property
    def there(self) -> IPv4Address:
        """The receiver's address."""
        return self.target.fabric[self.interface].ip


def ways(cluster: Cluster) -> Iterator[Way]:
    """List the ways to measure: each node to its neighbour, over every interface of the fabric."""
    for node, neighbour in zip(cluster.nodes, (*cluster.nodes[1:], cluster.nodes[0]), strict=True):
        for interface in cluster.fabric.interfaces:
            yield Way(node, neighbour, interface)


def measure_tcp(cluster: Cluster) -> list[Flow]:
    """Measure TCP over several streams, in Gb/s.

    Raises:
        UnknownFact: A measurement gave no figure; the message has the program's own words.
    """
    return [_flow(way, _tcp) for way in ways(cluster)]


def measure_rdma(cluster: Cluster) -> list[Flow]:
    """Measure RDMA writes with ib_write_bw, in Gb/s.

    Raises:
        UnknownFact: A measurement gave no figure; the message has the program's own words.
    """
    return [_flow(way, _rdma) for way in ways(cluster)]


def measure_rdma_latency(cluster: Cluster) -> list[Flow]:
    """Measure RDMA writes with ib_write_lat, in microseconds, typical of many.

    Raises:
        UnknownFact: A measurement gave no figure; the message has the program's own words.
    """
    return [_flow(way, _rdma_latency) for way in ways(cluster)]


def _flow(way: Way, measure: Callable[[Way], float]) -> Flow:
    flow = Flow(way.source.name, way.target.name, way.interface, 0.0)
    way.source.cluster.tell(f"measuring {flow}")
    try:
        return Flow(flow.source, flow.target, flow.interface, measure(way))
    except ClusterError as error:
        raise UnknownFact(f"from {flow} nothing could be measured: {error}") from None


def _tcp(way: Way) -> float:
    program = invocation("stream")
    server = way.target.hold(f"exec {program} serve {way.there}", root=False)
    try:
        if not server.first_line.isdecimal():
            raise UnknownFact(f"{way.target.name} cannot serve: {server.first_line or 'is python3 installed?'}")
        ask = f"{program} send {way.here} {way.there} {server.first_line} {STREAMS} {SECONDS}"
        return _number(_answer(way.source, ask))
    finally:
        server.release()


def _rdma(way: Way) -> float:
    return parse_bandwidth(_perftest(way, "ib_write_bw --report_gbits"))


def _rdma_latency(way: Way) -> float:
    return parse_latency(_perftest(way, "ib_write_lat"))


def _perftest(way: Way, tool: str) -> str:
    """Run one of perftest's tools: it waits on the receiver until the sender's has come and both have measured."""
    limit = f"timeout {_DEADLINE_S}"
    server = way.target.hold(f"echo started; sleep 0.1; exec {limit} {tool} {_device(way.target, way)}", root=True)
    try:
        ask = f"sleep 1; {limit} {tool} {_device(way.source, way)} {way.there}"
        return _answer(way.source, ask, root=True)
    finally:
        server.release()


def _device(node: Node, way: Way) -> str:
    address = way.there if node is way.target else way.here
    port = node.rdma.devices[way.interface]
    return f"-d {port.device} -x {port.index_of(address)}"


def _answer(node: Node, command: str, *, root: bool = False) -> str:
    said = node.read(command, root=root, deadline_s=_DEADLINE_S + 5)
    if said.exit != 0:
        words = (said.err.strip() or said.out.strip() or "it said nothing").splitlines()[-1]
        raise UnknownFact(f"{node.name}: {words[:200]}")
    return said.out


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UnknownFact(f"no figure in {text.strip()[-80:]!r}") from None


_BANDWIDTH = re.compile(r"^\s*\d+\s+\d+\s+[\d.]+\s+([\d.]+)\s+[\d.]+\s*$", re.MULTILINE | re.ASCII)
_LATENCY = re.compile(r"^\s*\d+\s+\d+\s+[\d.]+\s+[\d.]+\s+([\d.]+)\s", re.MULTILINE | re.ASCII)


def parse_bandwidth(printed: str) -> float:
    """Read the average of ib_write_bw's table: bytes, iterations, peak, average, messages.

    Raises:
        UnknownFact: There is no such line.
    """
    return _number(found[-1] if (found := _BANDWIDTH.findall(printed)) else printed)


def parse_latency(printed: str) -> float:
    """Read the typical time of ib_write_lat's table: bytes, iterations, least, most, typical and so on.

    Raises:
        UnknownFact: There is no such line.
    """
    return _number(found[-1] if (found := _LATENCY.findall(printed)) else printed)
