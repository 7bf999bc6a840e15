"""Bandwidth between neighbours: who is measured against whom, and what the tools print is understood."""

from itertools import pairwise

import pytest

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.inventory import Inventory, NodeEntry
from cluster.probes import invocation
from tests.cluster.nodes import tell_links
from workloads.bandwidth import measure_tcp, parse_bandwidth, parse_latency, ways

WRITE_BW = """\
 #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]
 65536      882805           0.00               92.57              0.176554
---------------------------------------------------------------------------------------
"""
WRITE_LAT = """\
 #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]
 2       1000          1.35           4.10         1.42               1.43             0.07
---------------------------------------------------------------------------------------
"""


def _here(nodes: int) -> Cluster:
    """This machine, several times over, each with one fabric interface."""
    entries = tuple(NodeEntry(name=f"n{number}", address="localhost") for number in range(nodes))
    cluster = Cluster(Inventory(nodes=entries, local=True))
    cluster.connect()
    tell_links(cluster)
    return cluster


def test_perftest_tells_average_bandwidth_and_typical_latency() -> None:
    assert parse_bandwidth(WRITE_BW) == 92.57
    assert parse_latency(WRITE_LAT) == 1.42


@pytest.mark.parametrize("printed", ["", "Couldn't connect to 192.168.100.2:18515\n", WRITE_BW[:80]])
def test_what_is_no_table_is_unknown(printed: str) -> None:
    with pytest.raises(UnknownFact, match="no figure in"):
        parse_bandwidth(printed)
    with pytest.raises(UnknownFact, match="no figure in"):
        parse_latency(printed)


def test_every_node_sends_to_the_next_and_the_last_to_the_first() -> None:
    found = [(way.source.name, way.target.name) for way in ways(_here(3))]
    assert found == [("n0", "n1"), ("n1", "n2"), ("n2", "n0")]
    assert all(one[1] == other[0] for one, other in pairwise(found))


def test_an_address_that_nobody_has_cannot_be_measured() -> None:
    with pytest.raises(UnknownFact, match="from n0 to n1 over enp1s0f0np0 nothing could be measured"):
        measure_tcp(_here(2))


def test_the_probe_measures_tcp_on_loopback() -> None:
    node = _here(1).manager
    server = node.hold(f"exec {invocation('stream')} serve 127.0.0.1", root=False)
    try:
        said = node.read(f"{invocation('stream')} send 127.0.0.1 127.0.0.1 {server.first_line} 2 0.3")
    finally:
        server.release()
    assert said.exit == 0, said.err
    assert float(said.out) > 0.1
