"""What a check rests on is found by place: its own node and the cluster, or everywhere."""

import pytest

from cluster.cluster import Cluster
from cluster.inventory_file import parse_inventory
from engine.check import Check
from engine.outcome import Verdict
from engine.verdicts import Verdicts
from reports.outcome import Outcome

NODES = ("spark-1", "spark-2")


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(parse_inventory("nodes: [{name: spark-1}, {name: spark-2}]", "cluster.yaml"))


@pytest.fixture
def found() -> Verdicts:
    """Of docker, then the swarm, then the network; the network was judged last, and once for the cluster."""
    made = Verdicts()
    for check in ("docker.running", "network.reached"):
        for node in NODES:
            made.add(Verdict(check, 1, "", node, Outcome.PASSED))
    made.add(Verdict("network.distinct", 1, "", None, Outcome.FAILED))
    return made


def that_needs(*needs: str, everywhere: tuple[str, ...] = (), explained_by: tuple[str, ...] = ()) -> Check:
    return Check(
        "swarm.joined", 5, "", per_node=True, fix=None, needs=needs, needs_everywhere=everywhere,
        explained_by=explained_by, applies=None, remedy=None, threshold=None, warns=False, due_after=(),
        settles=None, together=None,
    )  # fmt: skip


def places(verdicts: list[Verdict]) -> list[tuple[str, str | None]]:
    return [(verdict.id, verdict.node) for verdict in verdicts]


def test_a_node_rests_on_what_it_came_to_itself_and_on_the_cluster(found: Verdicts, cluster: Cluster) -> None:
    check = that_needs("network.distinct", "docker.running")
    assert places(found.needed_by(check, cluster["spark-2"])) == [
        ("docker.running", "spark-2"),
        ("network.distinct", None),
    ]


def test_the_cluster_rests_on_every_node(found: Verdicts) -> None:
    assert places(found.needed_by(that_needs("docker.running"), None)) == [
        ("docker.running", "spark-1"),
        ("docker.running", "spark-2"),
    ]


def test_what_is_needed_everywhere_counts_on_every_node_and_once(found: Verdicts, cluster: Cluster) -> None:
    check = that_needs("docker.running", everywhere=("docker.running",))
    assert places(found.needed_by(check, cluster["spark-1"])) == [
        ("docker.running", "spark-1"),
        ("docker.running", "spark-2"),
    ]


def test_what_explains_it_is_told_apart_by_where_it_is(found: Verdicts, cluster: Cluster) -> None:
    here, everywhere = found.explaining(that_needs(explained_by=("network.reached",)), cluster["spark-2"])
    assert places(here) == [("network.reached", "spark-2")]
    assert places(everywhere) == [("network.reached", "spark-1"), ("network.reached", "spark-2")]


def test_what_was_never_judged_is_in_nobodys_way(found: Verdicts, cluster: Cluster) -> None:
    assert found.needed_by(that_needs("gpu.listed"), cluster["spark-1"]) == []
