"""A run is taken back last change first; what cannot be taken back is said and does not stop the rest."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.errors import Unreachable
from cluster.inventory import Inventory, NodeEntry
from cluster.node import Node
from engine.apply import Applier
from engine.change import Change, RunCommand, WriteFile
from engine.comparison import LastComparison
from engine.journal import Journal
from engine.judge import Judge
from engine.run import Run
from engine.undo import UndoResult, undo_run
from engine.undo_step import UndoCommand
from reports.outcome import Outcome


def _apply(journal: Journal, *changes: Change) -> None:
    for change in changes:
        Applier(journal, frozenset()).apply("subject.fact", 4, change)


def _undo(cluster: Cluster, journal: Journal, *allowed: str) -> list[UndoResult]:
    told: list[UndoResult] = []
    undo_run(cluster, Journal(journal.path), told.append, frozenset(allowed))
    return told


def _write(here: Node, path: Path, content: str, *, taken_up_by: str | None = None) -> WriteFile:
    return WriteFile(here, str(path), content.encode(), taken_up_by=taken_up_by)


def test_the_last_change_goes_first(cluster: Cluster, here: Node, journal: Journal, tmp_path: Path) -> None:
    log = tmp_path / "log"
    _apply(journal, *(RunCommand(here, "true", undo_command=f"echo {number} >>{log}") for number in (1, 2, 3)))
    _undo(cluster, journal)
    assert log.read_text() == "3\n2\n1\n"


def test_what_was_taken_back_once_is_not_taken_back_again(
    cluster: Cluster, here: Node, journal: Journal, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    _apply(journal, RunCommand(here, "true", undo_command=f"echo undone >>{log}"))
    assert len(_undo(cluster, journal)) == 1
    assert _undo(cluster, journal) == []
    assert log.read_text() == "undone\n"


def test_an_undo_has_the_time_that_its_change_had(
    cluster: Cluster, here: Node, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UndoCommand, "deadline_s", 0.1)
    _apply(journal, RunCommand(here, "true", undo_command="sleep 5", deadline_s=0.4))
    (taken,) = _undo(cluster, journal)
    assert taken.trouble == f"`sleep 5` on {here.name} did not end within 0.4 s."


def test_one_that_cannot_be_taken_back_does_not_stop_the_others_and_can_be_tried_again(
    cluster: Cluster, here: Node, journal: Journal, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    _apply(
        journal,
        _write(here, tmp_path / "first", "1"),
        RunCommand(here, "true", undo_command=f"test -e {gate}"),
        _write(here, tmp_path / "third", "3"),
    )
    assert [taken.trouble is None for taken in _undo(cluster, journal)] == [True, False, True]
    assert not (tmp_path / "first").exists()
    gate.touch()
    assert [taken.trouble for taken in _undo(cluster, journal)] == [None]


def test_the_node_takes_files_up_once_when_all_are_back(
    cluster: Cluster, here: Node, journal: Journal, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    taken_up_by = f"cat {tmp_path}/a {tmp_path}/b >>{log} 2>&1; echo taken up >>{log}"
    (tmp_path / "a").write_text("old a\n")
    (tmp_path / "b").write_text("old b\n")
    for name in ("a", "b", "a"):
        _apply(journal, _write(here, tmp_path / name, f"new {name}\n", taken_up_by=taken_up_by))
    _undo(cluster, journal)
    assert log.read_text() == "old a\nold b\ntaken up\n"


def test_the_node_takes_up_what_is_back_even_when_another_file_had_to_stay(
    cluster: Cluster, here: Node, journal: Journal, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for name in ("a", "b"):
        (tmp_path / name).write_text("old\n")
        _apply(journal, _write(here, tmp_path / name, "new\n", taken_up_by=f"echo taken up >>{log}"))
    (tmp_path / "a").write_text("edited by hand\n")
    assert [taken.trouble is None for taken in _undo(cluster, journal)] == [True, False]
    assert log.read_text() == "taken up\n"


def test_a_node_that_is_no_longer_in_the_inventory_is_named(cluster: Cluster, here: Node, journal: Journal) -> None:
    _apply(journal, RunCommand(here, "true", undo_command="true"))
    journal.path.write_text(journal.path.read_text().replace(f'"{here.name}"', '"spark-9"'))
    (taken,) = _undo(cluster, journal)
    assert taken.trouble == "spark-9 is not in the inventory, so its changes stay: add it and run --undo again."


def test_a_node_that_does_not_answer_keeps_its_changes_and_says_why(
    cluster: Cluster, here: Node, journal: Journal
) -> None:
    _apply(journal, RunCommand(here, "true", undo_command="true"))
    here.trouble = "the node is off"
    assert [taken.trouble for taken in _undo(cluster, journal)] == ["the node is off"]
    here.trouble = None
    assert [taken.trouble for taken in _undo(cluster, journal)] == [None]


def _docker_runs(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    docker = SimpleNamespace(active="active", running=[SimpleNamespace(name=name) for name in names])
    monkeypatch.setattr(Node, "docker", docker)
    monkeypatch.setattr(Node, "container", SimpleNamespace(ours=()))


def test_what_would_end_containers_is_taken_back_only_when_asked(
    cluster: Cluster, here: Node, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    _apply(journal, RunCommand(here, "true", undo_command=f"touch {gone}", undo_asks="restart-docker"))
    _docker_runs(monkeypatch, "precious")
    (taken,) = _undo(cluster, journal)
    run = journal.path.parent.name
    assert taken.trouble == (
        f"it would interrupt precious on {here.name}: "
        f"when that is all right, rerun with `pytest runbook --undo {run} --allow restart-docker`"
    )
    assert not gone.exists()
    assert [taken.trouble for taken in _undo(cluster, journal, "restart-docker")] == [None]
    assert gone.exists()


def test_where_no_container_runs_nobody_is_asked(
    cluster: Cluster, here: Node, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _apply(journal, RunCommand(here, "true", undo_command="true", undo_asks="restart-docker"))
    _docker_runs(monkeypatch)
    assert [taken.trouble for taken in _undo(cluster, journal)] == [None]


def test_what_several_nodes_got_for_one_check_is_taken_back_on_all_at_once(tmp_path: Path, journal: Journal) -> None:
    cluster = Cluster(Inventory(nodes=(NodeEntry(name="n0"), NodeEntry(name="n1")), local=True))
    cluster.connect()
    for check in ("first", "second"):
        for node in cluster.nodes:
            meet = f"touch {tmp_path}/{check}-{node.name}; {_until_both(tmp_path, check)}"
            Applier(journal, frozenset()).apply(check, 4, RunCommand(node, "true", undo_command=meet))
    taken = _undo(cluster, journal)
    assert [(one.record.check, one.record.node, one.trouble) for one in taken] == [
        ("second", "n1", None),
        ("second", "n0", None),
        ("first", "n1", None),
        ("first", "n0", None),
    ]


def _until_both(folder: Path, check: str) -> str:
    """Fail unless the others of a check meet us, and any that comes before it was there already."""
    before = f"test -e {folder}/second-n0 && " if check == "first" else f"! test -e {folder}/first-n0 && "
    wait = f"for i in $(seq 50); do test $(ls {folder}/{check}-* | wc -l) = 2 && exit 0; sleep 0.1; done; exit 1"
    return f"{before}{{ {wait}; }}"


def test_nodes_take_up_what_is_back_one_by_one(tmp_path: Path, journal: Journal) -> None:
    cluster = Cluster(Inventory(nodes=(NodeEntry(name="n0"), NodeEntry(name="n1")), local=True))
    cluster.connect()
    taken_up_by = f"mkdir {tmp_path}/alone && sleep 0.1 && rmdir {tmp_path}/alone"
    for node in cluster.nodes:
        Applier(journal, frozenset()).apply("one", 4, _write(node, tmp_path / node.name, "x", taken_up_by=taken_up_by))
    assert [one.trouble for one in _undo(cluster, journal)] == [None, None]


def test_what_a_node_cannot_take_up_is_told_of_the_last_change_that_needs_it(tmp_path: Path, journal: Journal) -> None:
    cluster = Cluster(Inventory(nodes=(NodeEntry(name="n0"), NodeEntry(name="n1")), local=True))
    cluster.connect()
    for node in cluster.nodes:
        for name in ("a", "b"):
            change = _write(node, tmp_path / f"{node.name}-{name}", "x", taken_up_by=f"test {node.name} = n1")
            Applier(journal, frozenset()).apply("one", 4, change)
    assert [(one.record.node, one.trouble is None) for one in _undo(cluster, journal)] == [
        ("n1", True),
        ("n1", True),
        ("n0", True),
        ("n0", False),
    ]


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("true ip addr del 127.0.0.1/8 dev lo", True),
        ("true ip addr del 127.0.0.10/8 dev lo", False),
        ("true ip link set lo down", True),
        ("true ip link set lo up", False),
    ],
)
def test_an_undo_leaves_us_the_way_by_which_we_came(
    here: Node, journal: Journal, monkeypatch: pytest.MonkeyPatch, command: str, kept: bool
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "127.0.0.1 50000 127.0.0.1 22")
    here.reconnect()
    _apply(journal, RunCommand(here, "true", undo_command=command))
    (taken,) = _undo(here.cluster, journal)
    reached = (
        f"{here.name} is reached by 127.0.0.1, which this would take away: reach it by another address and undo again"
    )
    assert taken.trouble == (reached if kept else None)


def test_a_copy_of_the_journal_that_stays_on_a_node_costs_the_undo_a_word_and_not_its_report(
    cluster: Cluster, here: Node, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise Unreachable("the connection broke")

    monkeypatch.setattr("engine.run.node_journal.forget_undone", cut_off)
    run = object.__new__(Run)
    options: Any = SimpleNamespace(undo="x", allowed=frozenset(), command=lambda *_: "pytest runbook")
    run.options, run.cluster = options, cluster
    run.judge = Judge(cluster, Applier(journal, frozenset()), "undo", LastComparison())
    monkeypatch.setattr(run, "_journal_to_undo", lambda _: journal)
    _apply(journal, RunCommand(here, "true", undo_command="true"))
    run.undo()
    (verdict,) = run.verdicts
    assert verdict.outcome is Outcome.FIXED
    assert verdict.warning == "the journal's copy stays on a node: the connection broke"
