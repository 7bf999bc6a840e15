"""What Python finds to complain of when a run ends does not reach its reader as a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPLAINT = """
import sys
from types import SimpleNamespace

class Answer:
    def __repr__(self):
        return "<{name} object at 0x7efee71875e0>"

def test_something():
    error = ValueError("I/O operation on closed file.")
    told = dict(exc_type=ValueError, exc_value=error, exc_traceback=None, err_msg=None, object=Answer())
    sys.unraisablehook(SimpleNamespace(**told))
"""


@pytest.mark.parametrize(("name", "told"), [("urllib3.response.HTTPResponse", False), ("something.Else", True)])
def test_an_answer_that_docker_left_behind_is_not_told(tmp_path: Path, name: str, told: bool) -> None:
    (tmp_path / "test_complaint.py").write_text(COMPLAINT.format(name=name))
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}", "-q"]
    done = subprocess.run(
        [*command, str(tmp_path), "-p", "no:cacheprovider", "--confcutdir", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("I/O operation on closed file" in done.stdout + done.stderr) is told
