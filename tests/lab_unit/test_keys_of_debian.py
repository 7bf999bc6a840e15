"""Newer keys of Debian's archive are had from suites that the keys at hand can verify, one after the other."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import keys_of_debian
from lab.errors import LabError
from lab.keys_of_debian import keyring_options
from lab.progress import Step, step

HAS = {"bullseye": ("bullseye", "bookworm"), "bookworm": ("bookworm", "trixie")}
"""Whose keys the package of a suite holds."""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The suites that were asked for their keys; each was verified with keys that were there."""
    suites: list[str] = []

    def follow(command: Sequence[str], _: Step, __: object, ___: Path) -> None:
        (keys,) = [option.removeprefix("--keyring=") for option in command if option.startswith("--keyring=")]
        suite, target = command[-2:]
        assert keys_of_debian.has_keys(Path(keys), suite)
        suites.append(suite)
        _write(Path(target) / str(tmp_path / "keyrings").lstrip("/"), HAS[suite])

    monkeypatch.setattr(keys_of_debian, "follow", follow)
    monkeypatch.setattr(keys_of_debian, "KEYRINGS", tmp_path / "keyrings")
    return suites


def _write(folder: Path, suites: Sequence[str]) -> None:
    folder.mkdir(parents=True)
    for suite in suites:
        (folder / f"debian-archive-{suite}-automatic.gpg").touch()


@pytest.mark.parametrize(
    ("known", "suite", "through"),
    [
        (("bookworm", "trixie"), "trixie", []),
        (("bullseye", "bookworm"), "trixie", ["bookworm"]),
        (("buster", "bullseye"), "bookworm", ["bullseye"]),
        (("buster", "bullseye"), "trixie", ["bullseye", "bookworm"]),
    ],
)
def test_keys_lead_to_newer_ones(
    asked: list[str], tmp_path: Path, known: Sequence[str], suite: str, through: list[str]
) -> None:
    _write(tmp_path / "keyrings", known)
    with step("Building", "at once") as work:
        options = keyring_options(suite, [], tmp_path, work)
    assert asked == through
    assert bool(options) is bool(through)


def test_keys_that_lead_nowhere_are_told(asked: list[str], tmp_path: Path) -> None:
    _write(tmp_path / "keyrings", ["buster"])
    with pytest.raises(LabError, match="are too old"), step("Building", "at once") as work:
        keyring_options("trixie", [], tmp_path, work)
    assert asked == []
