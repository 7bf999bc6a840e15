"""The training image is built once, on what the inventory names as its base, and goes from node to node."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from lab.training_packages import FOREIGN
from tests.e2e.lab import ROOT, Lab, told
from workloads.training_image import requirements

pytestmark = pytest.mark.lab
BASE = "spark-runbook/lab-base:1"
PIP = "pip==25.3"
OLD = "torchao-0.14.0"

# What a base brings besides PyTorch: pip, and a torchao that peft cannot work beside. The nodes of the lab reach no
# package index, so this one brings the packages.
_DOCKERFILE = f"""\
FROM spark-runbook/lab-training:1
COPY wheels /wheels
RUN python3 /wheels/{PIP.replace("==", "-")}-py3-none-any.whl/pip install --no-index --find-links /wheels \\
      --target /usr/lib/python3/dist-packages pip {OLD.replace("-", "==")}
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that go into the image, as files."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *FOREIGN, "--dest", str(folder)]
    subprocess.run([*command, PIP, *requirements().split()], check=True)
    with ZipFile(folder / f"{OLD}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("torchao/__init__.py", "")
        wheel.writestr(f"{OLD}.dist-info/METADATA", "Metadata-Version: 2.1\nName: torchao\nVersion: 0.14.0\n")
        wheel.writestr(f"{OLD}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{OLD}.dist-info/RECORD", f"torchao/__init__.py,,\n{OLD}.dist-info/RECORD,,\n")
    return folder


@pytest.fixture
def based(ready: Lab, wheels: Path) -> Lab:
    """The lab with a base on the manager."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(_DOCKERFILE)
        tar.addfile(entry, io.BytesIO(_DOCKERFILE.encode()))
        tar.add(wheels, "wheels")
    build = [sys.executable, "-m", "lab", "exec", "spark-1", "--", "docker", "build", "--quiet", "--tag", BASE, "-"]
    subprocess.run(
        build, cwd=ROOT, env={**os.environ, **ready.environment}, input=packed.getvalue(), check=True, timeout=200
    )
    return ready


def _inventory(lab: Lab, path: Path, base: str) -> str:
    told_by_lab = yaml.safe_load(lab.do("inventory"))
    path.write_text(yaml.safe_dump(told_by_lab | {"image": {"base": base}}))
    return f"--inventory={path}"


def test_an_image_is_built_on_its_base_and_is_the_same_everywhere(based: Lab, tmp_path: Path) -> None:
    inventory = _inventory(based, tmp_path / "cluster.yaml", BASE)
    planned = based.runbook_of(inventory, "--plan", "--allow", "recreate-stack")
    (build,) = [change for change in planned.changes if "docker build" in change]
    assert f"FROM {BASE}" in build
    fixed = based.runbook_of(inventory, "--fix", "--train", "smoke", "--allow", "recreate-stack")
    assert fixed.exit == 0, told(fixed)
    assert fixed.outcomes("stack.image") == {"fixed"}
    assert fixed.outcomes("train.weights") == {"passed"}
    ask = "docker exec $(docker ps -q --filter label=com.spark-runbook.cluster) python3 -c"
    for node in ("spark-1", "spark-2"):
        where = based.on(node, f"{ask} 'import peft; print(peft.__file__)'")
        assert where.startswith("/opt/spark-runbook/packages/"), where


def test_a_base_that_cannot_be_had_is_named(ready: Lab, tmp_path: Path) -> None:
    inventory = _inventory(ready, tmp_path / "cluster.yaml", "registry.invalid/base:1")
    run = ready.runbook_of(inventory, "--fix", "--train", "none", "--allow", "recreate-stack")
    assert run.exit == 1, told(run)
    (failed,) = [one for one in run.report["checks"] if one["id"] == "stack.image" and one["node"] == "spark-1"]
    assert failed["outcome"] == "fix_failed"
    assert "docker build on spark-1" in failed["cause"]
    assert "registry.invalid" in failed["cause"]
