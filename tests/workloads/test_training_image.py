"""What docker is given to build the training image."""

import io
import re
import subprocess
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from cluster.inventory import IMAGE_RECIPE
from workloads.requirements import pinned
from workloads.training_image import FOLDER, context, dockerfile, requirements


def test_the_image_begins_with_its_base() -> None:
    assert dockerfile("mine:1").splitlines()[0] == "FROM mine:1"


def test_every_pinned_package_goes_in_but_the_bases_own_torch() -> None:
    names = {line.partition("==")[0] for line in requirements().splitlines()}
    assert names == set(pinned()) - {"torch"} | {"bitsandbytes"}


def test_docker_gets_both_files() -> None:
    with tarfile.open(fileobj=io.BytesIO(context("mine:1"))) as tar:
        assert tar.getnames() == ["Dockerfile", "requirements.txt"]


def test_other_packages_make_another_image() -> None:
    seen = (IMAGE_RECIPE, sha256((dockerfile("") + requirements()).encode()).hexdigest()[:8])
    assert seen == (3, "e0aa2c20"), "raise IMAGE_RECIPE, so that nodes build the image anew, and note it here"


@pytest.mark.parametrize(("brought", "left"), [(True, ["peft"]), (False, ["numpy", "numpy.libs", "pandas", "peft"])])
def test_a_numpy_that_the_base_brings_stays_beside_the_torch_that_was_built_for_it(
    tmp_path: Path, stand_in: Callable[[str, str], None], brought: bool, left: list[str]
) -> None:
    installed = " ".join(f'"$FOLDER/packages/{name}"' for name in ("numpy", "numpy.libs", "pandas", "peft"))
    has = 0 if brought else 1
    stand_in("python3", f'#!/bin/sh\ncase "$*" in *install*) mkdir -p {installed};; -c*) exit {has};; esac\n')
    run = re.search(r"^RUN (.*?)^ENV", dockerfile("mine:1"), re.DOTALL | re.MULTILINE)
    assert run is not None
    subprocess.run(["sh", "-c", run[1].replace(FOLDER, str(tmp_path))], check=True)
    assert sorted(path.name for path in (tmp_path / "packages").iterdir()) == left
