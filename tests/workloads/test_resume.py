"""The run that is carried on is an unfinished one of the very recipe."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from workloads import resume


def _run(folder: Path, name: str, recipe: str, ranks: str = "2") -> None:
    checkpoint = folder / name / "checkpoints/step-00000020-rank0.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text(json.dumps({"identity": {"the recipe": recipe, "the number of ranks": ranks}}))


def test_only_runs_of_this_recipe_that_have_checkpoints_are_listed(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("model: tiny\n")
    digest = hashlib.sha256(recipe.read_bytes()).hexdigest()
    _run(tmp_path / "runs", "20261101-mine", digest)
    _run(tmp_path / "runs", "20261102-mine", digest)
    _run(tmp_path / "runs", "20261103-mine", "what the recipe was before")
    _run(tmp_path / "runs", "20261105-mine", digest, ranks="3")
    _run(tmp_path / "runs", "20261106-mine", digest)
    (tmp_path / "runs/20261106-mine/checkpoints/step-00000020-rank0.json").write_text("")
    (tmp_path / "runs/20261104-mine/checkpoints").mkdir(parents=True)
    command = [sys.executable, "-c", resume._LIST, str(recipe), str(tmp_path / "runs"), "2"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert sorted(listed.split()) == ["20261101-mine", "20261102-mine"]
