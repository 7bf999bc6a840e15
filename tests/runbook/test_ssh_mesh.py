"""SSH of step 1: letting nodes into each other writes each of their files once; a node that answers late."""

from collections import Counter
from collections.abc import Callable

import pytest

from cluster.connection import Said
from cluster.facts.clock import ClockFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.ssh import SshFacts
from cluster.node import Node
from engine.change import Change, Instruction, RunCommand, WriteFile
from engine.files import FileState
from fixers import ssh
from reports.outcome import Outcome
from runbook import test_01_node as step_01
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import links

NODES = 6
PRIVATE = "600:nvidia:nvidia:/home/nvidia/.ssh/id_ed25519\n"
PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"


def key(number: int) -> str:
    """The public key of a node."""
    return f"ssh-ed25519 AAAA{number} nvidia@spark-{number}"


def told(node: Node) -> list[Change]:
    """All changes by which nodes are let into each other."""
    return [one for given in ssh.exchange_keys(node) for one in ([given] if isinstance(given, Change) else given)]


@pytest.fixture
def bare(recorded: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Nodes with addresses, without keys."""
    return _bare(recorded(size=NODES), monkeypatch)


def _bare(cluster: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    monkeypatch.setattr(ssh, "read_file", lambda *_, **__: FileState())
    for number in range(1, len(cluster.cluster.nodes) + 1):
        node = f"spark-{number}"
        cluster.said(NetworkFacts, node, links=links("enp1s0f1np1", f"192.168.100.{number}"), ports=PORTS)
        cluster.said(SshFacts, node, host_keys=f"127.0.0.1 ssh-ed25519 HOST{number}\n")
    cluster.said(SshFacts, public_key="", authorized="", known_hosts="", guarded="")
    return cluster


def test_of_each_node_the_key_is_made_and_two_files_are_written_once(bare: Recorded) -> None:
    changes = told(bare.cluster.manager)
    made = Counter((change.node.name, type(change)) for change in changes)
    names = [node.name for node in bare.cluster.nodes]
    assert made == dict.fromkeys([(name, RunCommand) for name in names], 1) | dict.fromkeys(
        [(name, WriteFile) for name in names], 2
    )
    written = [change for change in changes if isinstance(change, WriteFile) and change.node.name == "spark-2"]
    authorized, known = (change.content.decode().splitlines() for change in written)
    assert [line.split()[1] for line in authorized] == [f"(spark-{one}'s," for one in (1, 3, 4, 5, 6)]
    assert known == [f"192.168.100.{one} ssh-ed25519 HOST{one}" for one in (1, 3, 4, 5, 6)]


def test_peers_with_another_port_are_known_by_it(
    recorded: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = told(_bare(recorded(size=3, port=2222), monkeypatch).cluster.manager)
    known = next(one for one in changes if isinstance(one, WriteFile) and one.path.endswith("known_hosts"))
    assert known.content.decode().splitlines() == [f"[192.168.100.{one}]:2222 ssh-ed25519 HOST{one}" for one in (2, 3)]


def test_what_one_turn_has_planned_is_not_planned_in_the_next(bare: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = {
        (change.node.name, change.path): change.content
        for change in told(bare.cluster.manager)
        if isinstance(change, WriteFile)
    }
    monkeypatch.setattr(ssh, "read_file", lambda node, path, **_: FileState(planned[node.name, path]))
    again = [change for change in told(bare.cluster["spark-2"]) if isinstance(change, WriteFile)]
    assert again == []


def test_what_is_there_is_left_and_only_what_lacks_is_added(bare: Recorded) -> None:
    for number in range(1, NODES + 1):
        others = [one for one in range(1, NODES + 1) if one != number]
        bare.said(
            SshFacts,
            f"spark-{number}",
            public_key=f"{key(number)}\n",
            guarded=PRIVATE,
            authorized="".join(f"{key(one)}\n" for one in others if (number, one) != (4, 2)),
            known_hosts="".join(f"192.168.100.{one} ssh-ed25519 HOST{one}\n" for one in others),
        )
    (change,) = told(bare.cluster["spark-2"])
    assert isinstance(change, WriteFile)
    assert (change.node.name, change.path) == ("spark-4", "/home/nvidia/.ssh/authorized_keys")
    assert change.content == f"{key(2)}\n".encode()


def test_a_public_key_without_its_private_half_opens_no_door(bare: Recorded) -> None:
    bare.said(SshFacts, public_key=f"{key(0)}\n", guarded=PRIVATE)
    bare.said(SshFacts, "spark-2", public_key=f"{key(2)}\n", guarded="")
    changes = told(bare.cluster.manager)
    (asked,) = [change for change in changes if isinstance(change, Instruction)]
    assert asked.words == (
        "move ~/.ssh/id_ed25519.pub away on spark-2, since its private half is not there, then run again"
    )
    given = [change.content for change in changes if isinstance(change, WriteFile) and "authorized" in change.path]
    assert {line for content in given for line in content.decode().splitlines()} == {key(0)}


def test_a_node_that_is_slow_to_answer_is_told_of_and_explains_what_its_clock_cannot(
    recorded: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = recorded()
    assert cluster.judge(step_01.test_node_answers_at_once, "spark-2").outcome is Outcome.PASSED
    slow = Said("id", 0, b"1000\nnvidia\n/home/nvidia\nfree\n", b"", 4.2)
    monkeypatch.setattr(cluster.cluster["spark-2"].connection, "run", lambda *_, **__: slow)
    cluster.cluster["spark-2"].connect()
    late = cluster.judge(step_01.test_node_answers_at_once, "spark-2")
    assert (late.outcome, late.found, late.cause) == (Outcome.FAILED, "4.2", "every question to it waits as long")
    for number in (1, 2):
        cluster.said(NetworkFacts, f"spark-{number}", links=links("enp1s0f1np1", f"192.168.100.{number}"), ports=PORTS)
        cluster.said(ClockFacts, f"spark-{number}", now="1000.0\n")
        cluster.cluster.nodes[number - 1].clock.span = (998.0, 1002.0)
    clocks = cluster.judge(step_01.test_clocks_agree)
    assert (clocks.outcome, clocks.follows_from) == (Outcome.UNKNOWN, [late.place])
