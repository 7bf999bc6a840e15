"""A recipe that is none is refused in one sentence, before any node is spoken to."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "option", "said"),
    [
        ("", "--recipe=llama9", "--recipe: llama9: there is no such recipe; there are llama3-3b-full"),
        ("recipe: llama9\n", "--train=full", "`recipe` in the inventory: llama9: there is no such recipe"),
        ("", "--recipe=mine/own.yaml", "--recipe: mine/own.yaml: there is no such recipe"),
    ],
)
def test_a_recipe_that_is_none(tmp_path: Path, line: str, option: str, said: str) -> None:
    inventory = tmp_path / "cluster.yaml"
    inventory.write_text(f"nodes: [{{name: nobody, address: nobody.invalid}}]\n{line}")
    command = [sys.executable, "-m", "pytest", "runbook", f"--inventory={inventory}", option]
    done = subprocess.run(
        [*command, f"--report-dir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
