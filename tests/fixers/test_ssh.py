"""A key pair is made where there is none, and nobody loses one that was not made here."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.errors import CommandFailed
from cluster.node import Node
from engine.journal import Journal
from fixers.ssh import make_key, tighten_modes
from tests.fixers.conftest import applied, undone


def _own_key(home: Path, phrase: str = "") -> Path:
    (home / ".ssh").mkdir(mode=0o700)
    key = home / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-C", "me@here", "-f", key], check=True)
    return key


def test_a_pair_that_was_made_here_is_taken_back(here: Node, home: Path, journal: Journal) -> None:
    (change,) = make_key(here)
    applied(change, journal)
    assert sorted(one.name for one in (home / ".ssh").iterdir()) == ["id_ed25519", "id_ed25519.pub"]
    assert undone(here, journal) == [None]
    assert list((home / ".ssh").iterdir()) == []


def test_a_key_that_somebody_made_meanwhile_stays(here: Node, home: Path, journal: Journal) -> None:
    (change,) = make_key(here)
    key = _own_key(home)
    before = key.read_bytes()
    with pytest.raises(CommandFailed):
        applied(change, journal)
    assert undone(here, journal) == [None]
    assert key.read_bytes() == before
    assert key.with_suffix(".pub").exists()


def test_a_private_key_without_its_public_half_is_given_one(here: Node, home: Path, journal: Journal) -> None:
    key = _own_key(home)
    before, public = key.read_bytes(), key.with_suffix(".pub")
    half = public.read_text().split()[1]
    public.unlink()
    (change,) = make_key(here)
    applied(change, journal)
    assert public.read_text().split()[1] == half
    assert undone(here, journal) == [None]
    assert (key.read_bytes(), public.exists()) == (before, False)


def test_a_public_half_that_is_there_alone_is_left_to_a_person(here: Node, home: Path) -> None:
    _own_key(home).unlink()
    assert here.ssh.own_key is None
    (change,) = make_key(here)
    assert change.risk == "human"


def test_a_private_key_that_takes_a_phrase_stays_as_it_is(here: Node, home: Path, journal: Journal) -> None:
    key = _own_key(home, "a phrase")
    before = key.read_bytes()
    key.with_suffix(".pub").unlink()
    (change,) = make_key(here)
    with pytest.raises(CommandFailed, match="passphrase"):
        applied(change, journal)
    assert undone(here, journal) == [None]
    assert (key.read_bytes(), [one.name for one in key.parent.iterdir()]) == (before, ["id_ed25519"])


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_rights_that_were_taken_are_given_back(here: Node, home: Path, journal: Journal) -> None:
    key = _own_key(home)
    for path, mode in ((key, 0o644), (key.parent, 0o777)):
        path.chmod(mode)
    for change in tighten_modes(here):
        applied(change, journal)
    assert (_mode(key.parent), _mode(key)) == (0o755, 0o600)
    assert undone(here, journal) == [None, None]
    assert (_mode(key.parent), _mode(key)) == (0o777, 0o644)


@pytest.mark.parametrize(
    ("meanwhile", "mode"),
    [
        (lambda key: (key.unlink(), key.touch(mode=0o600)), 0o600),
        (lambda key: key.write_text("another"), 0o600),
        (lambda key: key.chmod(0o400), 0o400),
        (lambda key: key.unlink(), None),
    ],
)
def test_a_key_that_somebody_changed_since_keeps_its_rights(
    here: Node, home: Path, journal: Journal, meanwhile: Callable[[Path], object], mode: int | None
) -> None:
    key = _own_key(home)
    key.chmod(0o644)
    (change,) = tighten_modes(here)
    applied(change, journal)
    meanwhile(key)
    assert undone(here, journal) == [None]
    assert (_mode(key) if key.exists() else None) == mode
