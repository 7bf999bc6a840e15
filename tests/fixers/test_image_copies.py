"""An archive is unpacked on several nodes at once, and what goes wrong with one of them stays with that one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.errors import CommandFailed
from cluster.facts.base import Reading
from cluster.facts.stack import StackFacts
from engine.undo_step import UndoCommand
from fixers.image_copies import CopyImage, HandOn
from tests.engine.judging import Bench

ARCHIVE = os.urandom(3 << 20)
ADDRESSES = ("192.168.100.1", "192.168.100.2", "192.168.100.3")

# Each keeps what it was given under the name of its node; `ssh OPTIONS DOOR COMMAND` runs the command as that node.
DOCKER = r"""#!/bin/sh
case "$*" in image\ inspect*) exec stat -c %s "$FOLDER/archive.tar";; "save x") exec cat "$FOLDER/archive.tar";; esac
test "$*" = "load --quiet" || exit 2
test -e "$FOLDER/${NODE:-manager}.broken" && { echo "no space left on device" >&2; exit 1; }
cat >"$FOLDER/${NODE:-manager}"
"""
SSH = """#!/bin/sh
while test "$1" = -o; do shift 2; done
test "$1 $2 $3" = "-p 2222 --" || { echo "no sshd there" >&2; exit 255; }
shift 3
NODE=${1##*.} && export NODE && shift
test -e "$FOLDER/$NODE.shut" && { echo "Permission denied (publickey)." >&2; exit 255; }
exec "$@"
"""


@pytest.fixture
def stand_ins(tmp_path: Path, stand_in: Callable[[str, str], None]) -> Path:
    """Where docker and ssh keep what they were given."""
    for name, script in (("docker", DOCKER), ("ssh", SSH)):
        stand_in(name, script)
    (tmp_path / "archive.tar").write_bytes(ARCHIVE)
    return tmp_path


@pytest.fixture
def hand_on(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Hand the archive on to two takers, and return what was told."""
    monkeypatch.setenv("SSH_CONNECTION", "192.168.1.9 50000 192.168.1.1 2222")
    bench = Bench(stand_ins, "fix", nodes=3)
    manager, *takers = bench.cluster.nodes
    addresses = dict(zip(bench.cluster.nodes, ADDRESSES, strict=True))
    monkeypatch.setattr("cluster.cluster.Cluster.fabric_address", lambda _, node: addresses[node])
    heard: list[str] = []
    bench.cluster.tell = heard.append

    def apply() -> list[str]:
        with manager.changes_allowed():
            HandOn(manager, tuple(takers), stand_ins / "archive.tar", turn=manager).apply()
        return heard

    return apply


def test_all_get_the_whole_archive(hand_on: Callable[[], list[str]], stand_ins: Path) -> None:
    assert not [line for line in hand_on() if "failed" in line]
    assert [(stand_ins / name).read_bytes() == ARCHIVE for name in ("manager", "2", "3")] == [True] * 3


def test_a_copy_is_whole(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.168.1.9 50000 192.168.1.1 2222")
    monkeypatch.setattr("cluster.cluster.Cluster.fabric_address", lambda *_: ADDRESSES[1])
    node, source = Bench(stand_ins, "fix", nodes=2).cluster.nodes
    with node.changes_allowed():
        CopyImage(node, source, "x").apply()
    assert (stand_ins / "manager").read_bytes() == ARCHIVE


@pytest.mark.parametrize(
    ("trouble", "told"), [("shut", "Permission denied (publickey)."), ("broken", "no space left on device")]
)
def test_a_taker_that_cannot_take_it_is_told_of_and_the_others_get_it(
    hand_on: Callable[[], list[str]], stand_ins: Path, trouble: str, told: str
) -> None:
    (stand_ins / f"2.{trouble}").touch()
    assert hand_on()[-1] == f"n0: loading the image: handing it on to n1 failed, which will copy it: {told}"
    assert [(stand_ins / name).read_bytes() == ARCHIVE for name in ("manager", "3")] == [True] * 2


def test_where_the_manager_cannot_take_it_that_is_the_failure(
    hand_on: Callable[[], list[str]], stand_ins: Path
) -> None:
    (stand_ins / "manager.broken").touch()
    with pytest.raises(CommandFailed, match=r"^docker load on n0 failed: no space left on device$"):
        hand_on()


def test_an_archive_that_is_not_there_is_named(hand_on: Callable[[], list[str]], stand_ins: Path) -> None:
    (stand_ins / "archive.tar").unlink()
    with pytest.raises(CommandFailed, match=r"archive\.tar cannot be read: No such file or directory"):
        hand_on()


def test_in_the_turn_of_another_it_is_not_done_again(stand_ins: Path) -> None:
    manager, taker = Bench(stand_ins, "fix", nodes=2).cluster.nodes
    with pytest.raises(CommandFailed, match="n0 has no image to hand on"):
        HandOn(manager, (taker,), stand_ins / "archive.tar", turn=taker).apply()
    assert not (stand_ins / "manager").exists()


# Says what the file `layers` has of the image that has the name, and writes down which one it is given.
NAMES = r"""#!/bin/sh
case "$1" in
  version) test -e "$FOLDER/layers" ;;
  image) test -s "$FOLDER/layers" && cat "$FOLDER/layers" || { echo "No such image: x" >&2; exit 1; } ;;
  tag) echo "$2 $3" >"$FOLDER/tagged" ;;
esac
"""
COPIED, NEWER = '["sha256:17bd"] ["PATH=/bin"]', '["sha256:5f70"] ["PATH=/bin"]'


@pytest.mark.parametrize(
    ("told", "now", "tagged"),
    [
        ('{"Type":"layers","Layers":["sha256:17bd"]} ["PATH=/bin"]', COPIED, True),
        ('{"Layers":["sha256:17bd"],"Type":"layers"}', '["sha256:17bd"] ', True),
        ('{"Type":"layers","Layers":["sha256:17bd"]} ["PATH=/bin"]', NEWER, False),
        ('{"Type":"layers","Layers":["sha256:17bd"]} ["PATH=/bin"]', "", False),
    ],
    ids=["the copy", "the copy, which sets no environment", "a newer one", "none any more"],
)
def test_the_name_goes_back_to_the_image_before_only_while_the_copy_has_it(
    stand_ins: Path, told: str, now: str, *, tagged: bool
) -> None:
    (stand_ins / "docker").write_text(NAMES)
    (stand_ins / "layers").write_text(f"{now}\n" if now else "")
    node, source = Bench(stand_ins, "fix", nodes=2).cluster.nodes
    source.keep(StackFacts(source, {"image_content": Reading("", 0, f"{told}\n", "")}))
    (step,) = CopyImage(node, source, "x", instead_of="sha256:old").undo()
    assert isinstance(step, UndoCommand)
    with node.changes_allowed():
        node.change(step.command)
    assert (stand_ins / "tagged").exists() == tagged


def test_a_docker_that_is_off_cannot_give_the_name_back(stand_ins: Path) -> None:
    (stand_ins / "docker").write_text(NAMES)
    node, source = Bench(stand_ins, "fix", nodes=2).cluster.nodes
    source.keep(StackFacts(source, {"image_content": Reading("", 0, '{"Layers":["sha256:17bd"]}\n', "")}))
    (step,) = CopyImage(node, source, "x", instead_of="sha256:old").undo()
    assert isinstance(step, UndoCommand)
    with node.changes_allowed(), pytest.raises(CommandFailed):
        node.change(step.command)
