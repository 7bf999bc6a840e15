"""Artefacts of the cache are whole or not there."""

from pathlib import Path

import pytest

from lab.build import once, recipe_key
from lab.progress import Step
from lab.training_packages import pinned


def test_an_artefact_is_built_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def make(target: Path, _: Step) -> None:
        built.append(target)
        target.write_text("whole")

    target = tmp_path / "cache" / "artefact"
    assert once(target, "Building", "at once", make) == target
    assert once(target, "Building", "at once", make) == target
    assert target.read_text() == "whole"
    assert len(built) == 1


def test_a_build_that_broke_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    target = tmp_path / "artefact"

    def breaks_off(path: Path, _: Step) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(target, "Building", "at once", breaks_off)
    assert not target.exists()

    def make(path: Path, _: Step) -> None:
        assert not path.exists()
        path.write_text("whole")

    assert once(target, "Building", "at once", make).read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["artefact"]


def test_a_recipe_with_its_words_elsewhere_is_another_recipe() -> None:
    assert recipe_key("ab", "c") != recipe_key("a", "bc")


def test_a_new_comment_is_no_new_requirement() -> None:
    assert pinned("# why\ntorch==2.13.0  # CPU\n\n") == pinned("torch==2.13.0\n") == "torch==2.13.0"
