"""A fact is what a node said, or the reason why nobody knows; it is never false for want of an answer."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, contents, fact
from cluster.facts.docker import DockerFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.parse import lines, succeeded, text, word, words
from cluster.facts.swarm import SwarmFacts
from cluster.inventory import Inventory, NodeEntry
from tests.cluster.nodes import cluster_over, tell_links
from tests.sshd import Sshd


def _yes_or_no(reading: Reading) -> bool:
    if reading.out not in ("yes\n", "no\n"):
        raise ParseError("it is neither yes nor no")
    return reading.out == "yes\n"


class Answers(Facts):
    """Questions whose answers are known."""

    yes: bool = fact("echo yes", _yes_or_no)
    no: bool = fact("echo no", _yes_or_no)
    perhaps: bool = fact("echo perhaps", _yes_or_no)
    late: bool = fact("sleep 9", _yes_or_no, timeout_s=0.2)
    failed: str = fact("echo the reason >&2; exit 3", text)
    complaining: str = fact("echo 'I cannot.' >&2; exit 3", text)
    kernel: str = fact("uname -r", text)


class Writer(Facts):
    """A question that would change the node."""

    made: str = fact("touch /tmp/made-by-a-question", text)


@pytest.fixture(scope="module")
def answers(here: Cluster) -> Answers:
    return here.manager.facts(Answers)


def test_an_answer_is_parsed(answers: Answers) -> None:
    assert (answers.yes, answers.no) == (True, False)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("perhaps", "`echo perhaps` on {node}: it is neither yes nor no."),
        ("late", "`sleep 9` did not end within 0.2 s"),
        ("failed", "`echo the reason >&2; exit 3` on {node}: it failed with exit 3: the reason."),
        ("complaining", "`echo 'I cannot.' >&2; exit 3` on {node}: it failed with exit 3: I cannot."),
    ],
)
def test_what_could_not_be_read_raises_with_the_reason(answers: Answers, name: str, why: str) -> None:
    with pytest.raises(UnknownFact) as unknown:
        getattr(answers, name)
    assert str(unknown.value) == why.format(node=answers.node.name)


def test_one_unknown_fact_leaves_the_others_known(answers: Answers) -> None:
    with pytest.raises(UnknownFact):
        _ = answers.late
    assert answers.kernel


def test_evidence_is_what_was_read_and_each_reading_once(here: Cluster, answers: Answers) -> None:
    here.manager.start_evidence()
    assert answers.yes
    assert answers.yes
    assert not answers.no
    assert [reading.command for reading in here.manager.evidence()] == ["echo yes", "echo no"]
    here.manager.start_evidence()
    assert here.manager.evidence() == []


def test_a_question_that_would_change_the_node_is_not_asked(here: Cluster) -> None:
    with pytest.raises(Exception, match="would change the node"):
        here.manager.facts(Writer)


def test_a_file_that_is_not_there_is_empty_and_one_that_cannot_be_read_is_unknown(here: Cluster) -> None:
    there, unreadable = here.manager.read(contents("/no/such/file")), here.manager.read(contents("/proc"))
    assert (there.exit, there.out) == (0, "")
    assert unreadable.exit == 1


def test_all_nodes_are_asked_once(sshd: Sshd) -> None:
    cluster = cluster_over(sshd, names=("spark-1", "spark-2"))
    cluster.connect()
    first = cluster.nodes[0].machine
    assert cluster.nodes[1].has(type(first))
    assert cluster.nodes[0].machine is first
    with cluster.nodes[0].changes_allowed():
        pass
    assert not cluster.nodes[0].has(type(first))
    assert cluster.nodes[1].has(type(first))
    cluster.close()


@pytest.mark.parametrize(
    ("kind", "changed", "kept"),
    [
        (DockerFacts, "spark-1", False),
        (DockerFacts, "spark-2", True),
        (SwarmFacts, "spark-2", False),
        (MeshFacts, "spark-2", False),
    ],
)
def test_an_answer_under_way_while_something_changes_counts_where_that_cannot_touch_it(
    sshd: Sshd, kind: type[Facts], changed: str, kept: bool
) -> None:
    cluster = cluster_over(sshd, names=("spark-1", "spark-2"))
    cluster.connect()
    asked_at = cluster["spark-1"].age
    with cluster[changed].changes_allowed():
        pass
    cluster["spark-1"].keep(kind(cluster["spark-1"], {}), asked_at)
    assert cluster["spark-1"].has(kind) == kept
    cluster.close()


def test_of_a_node_that_is_away_nothing_is_known_and_the_reason_is_its_trouble(sshd: Sshd) -> None:
    cluster = cluster_over(sshd, names=("spark-1", "spark-2", "spark-3"))
    cluster.connect()
    assert cluster.nodes[0].machine.kernel
    with pytest.raises(UnknownFact) as unknown:
        _ = cluster.nodes[2].machine.kernel
    assert str(unknown.value) == cluster.nodes[2].trouble
    cluster.close()


def test_a_node_that_goes_away_is_told_as_away_and_not_as_wrong(sshd: Sshd, tmp_path: Path) -> None:
    del sshd  # that one stays; it says whether there may be one
    another = Sshd(tmp_path)
    cluster = cluster_over(another)
    cluster.connect()
    another.stop()
    cluster.close()
    with pytest.raises(UnknownFact, match="refuses connections: is sshd running there"):
        _ = cluster.manager.machine.kernel
    assert cluster.reached == []


def test_where_a_connection_breaks_the_node_is_asked_over_another_one(sshd: Sshd) -> None:
    cluster, told, before = cluster_over(sshd), list[str](), set(sshd.sessions)
    cluster.tell = told.append
    cluster.connect()
    for session in set(sshd.sessions) - before:
        os.kill(session, signal.SIGKILL)
    assert cluster.manager.machine.kernel
    assert cluster.manager.trouble is None
    assert [one.endswith("We connected once more.") for one in told] == [True]
    cluster.close()


def test_a_connection_that_holds_a_lock_is_not_replaced(sshd: Sshd) -> None:
    cluster, before = cluster_over(sshd), set(sshd.sessions)
    cluster.connect()
    cluster.locked = True
    for session in set(sshd.sessions) - before:
        os.kill(session, signal.SIGKILL)
    with pytest.raises(UnknownFact, match="is the node still up"):
        _ = cluster.manager.machine.kernel


def test_a_node_that_fell_silent_keeps_its_place_on_the_fabric(sshd: Sshd) -> None:
    cluster = cluster_over(sshd, names=("spark-1", "spark-2"))
    cluster.connect()
    tell_links(cluster)
    before = cluster.fabric
    cluster.nodes[1].trouble = "spark-2 fell silent"
    assert cluster.fabric == before
    assert before.main("spark-2") is not None
    cluster.nodes[1].forget()
    assert cluster.fabric.main("spark-2") is None
    cluster.close()


def test_a_node_that_is_being_changed_is_asked_only_by_who_wants_to_know_of_it(sshd: Sshd) -> None:
    cluster = cluster_over(sshd, names=("spark-1", "spark-2"))
    cluster.connect()
    first, second = cluster.nodes
    with second.changes_allowed():
        assert first.facts(Answers).yes
        assert not second.has(Answers)
        assert second.facts(Answers).yes
    assert not second.has(Answers)
    cluster.close()


def test_an_answer_from_before_a_change_is_asked_for_once_more(sshd: Sshd, tmp_path: Path) -> None:
    class Slow(Facts):
        made: str = fact(f"{contents(f'{tmp_path}/made')}; touch {tmp_path}/asked; sleep 0.5", text)

    cluster = cluster_over(sshd)
    cluster.connect()
    node = cluster.manager
    with pytest.MonkeyPatch.context() as patched:
        # The question leaves a trace, so that the test knows when it has been asked.
        patched.setattr("cluster.asking.refuse_changes", lambda _: None)
        found: list[str] = []
        asking = threading.Thread(target=lambda: found.append(node.facts(Slow).made))
        asking.start()
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)
        with node.changes_allowed():
            (tmp_path / "made").write_text("made")
        asking.join(10)
    assert found == ["made"]
    cluster.close()


def test_a_question_that_rests_on_an_unknown_fact_is_unknown_for_its_reason(here: Cluster) -> None:
    cut = Reading("ip -j addr show", None, "", "", "the links are a secret")
    here.manager.keep(NetworkFacts(here.manager, {"links": cut, "ports": cut}))
    with pytest.raises(UnknownFact, match="the links are a secret"):
        _ = here.manager.mesh.pings
    here.manager.forget()


def test_drift_tells_what_each_node_has() -> None:
    cluster = _unconnected("spark-1", "spark-2")
    assert cluster.drift(lambda _: "one") == "the same on all nodes"
    assert cluster.drift(lambda node: node.rank) == "spark-1: 0; spark-2: 1"


def test_a_value_that_two_nodes_have_is_told_with_both() -> None:
    cluster = _unconnected("spark-1", "spark-2", "spark-3")
    found = cluster.repeated(lambda node: ["10.0.0.1"] if node.rank != 1 else ["10.0.0.2"])
    assert found == ("10.0.0.1 (spark-1 and spark-3)",)


def _unconnected(*names: str) -> Cluster:
    return Cluster(Inventory(nodes=tuple(NodeEntry(name=name) for name in names)))


@pytest.mark.parametrize(
    ("parse", "out", "value"),
    [
        (text, "a\nb\n", "a\nb"),
        (lines, "a\n\n b \n", ("a", " b ")),
        (words, "b a\na\n", frozenset({"a", "b"})),
        (word, "active\nmore\n", "active"),
        (succeeded, "as it is\n", "as it is\n"),
    ],
)
def test_small_parsers_take_what_they_are_for(parse: object, out: str, value: object) -> None:
    assert callable(parse)
    assert parse(Reading("command", 0, out, "")) == value


def test_a_word_may_come_with_any_exit_status_but_has_to_come() -> None:
    assert word(Reading("systemctl is-active x", 3, "inactive\n", "")) == "inactive"
    with pytest.raises(ParseError, match=r"it said nothing \(exit 1\): no such unit"):
        word(Reading("systemctl is-enabled x", 1, "", "no such unit\n"))
