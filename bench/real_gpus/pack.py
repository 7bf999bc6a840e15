"""Pack all that a lab needs, for a machine that has GPUs, PyTorch and root, but neither the lab's tools nor a network.

python bench/real_gpus/pack.py FOLDER       writes FOLDER/lab.tar.xz; run.sh beside this file unpacks and uses it

One tree serves as the host's system and as the nodes': Debian 13 with the lab's own list of packages, what the lab
itself needs, and the runbook's Python packages. The training image is an Ubuntu 24.04 with Python 3.12, since that is
what the machine's PyTorch is built for; the training packages are the machine's own.
"""

import argparse
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from lab import debian, host, image, tree
from lab.build import follow
from lab.places import DEFAULT_CACHE
from lab.progress import Step, step
from lab.training_packages import REQUIREMENTS, foreign

HERE = Path(__file__).parents[2]
NOT_IN_MINBASE = ("systemd-container", "rsync", "xz-utils")
PYTHON_OF_TREE, PYTHON_OF_IMAGE = "3.13", "3.12"
SITE = "opt/runbook-packages"

UBUNTU = "deb [trusted=yes] http://archive.ubuntu.com/ubuntu noble main universe"
# What the training packages of a machine with PyTorch and transformers often lack.
LACKING = {"datasets", "dill", "multiprocess", "pandas", "peft", "pyarrow", "python-dateutil", "tzdata", "xxhash"}

# One NVLink multicast gone wrong takes a host's GPUs out of service for all who share it.
NO_MULTICAST = "NCCL_NVLS_ENABLE='0', TORCH_SYMM_MEM_DISABLE_MULTICAST='1', NVSHMEM_DISABLE_NVLS='1'"
IMAGE_HOOK = (
    f"printf '%s\\n' {image.PACKAGES_PATH} \"import os; os.environ.update({NO_MULTICAST})\""
    ' >"$1"/usr/lib/python3/dist-packages/lab.pth'
)


def make_tree(target: Path, work: Step) -> None:
    """Make the tree, with the runbook's own packages in it."""
    recipe = debian.options(tree.SUITE, (*tree.PACKAGES, *NOT_IN_MINBASE), tree.HOOKS)
    debian.bootstrap(recipe, target, work)
    project: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    site = ("--target", str(target / SITE), "--constraint", str(HERE / "requirements.lock"))
    options = (*site, *foreign(PYTHON_OF_TREE))
    install = [sys.executable, "-m", "pip", "install", "--no-input", *options, *project["dependencies"]]
    follow(install, work, lambda _: None, target.parent)


def make_image(target: Path, work: Step) -> None:
    """Make the training image's archive."""
    layer = target.with_name("layer.tar")
    packages = [*(name for name in image.PACKAGES if name != "usr-is-merged"), "libstdc++6"]
    lacking = [line for line in REQUIREMENTS.read_text().splitlines() if line.partition("==")[0] in LACKING]
    install = [sys.executable, "-m", "pip", "install", "--no-input", "--no-deps", *foreign(PYTHON_OF_IMAGE), *lacking]
    into = f'{shlex.join(install)} --target "$1"/usr/local/lib/python{PYTHON_OF_IMAGE}/dist-packages'
    recipe = ("--skip=output/dev", *debian.options("noble", packages, (IMAGE_HOOK, into)))
    follow(["mmdebstrap", *recipe, str(layer), UBUNTU], work, lambda _: None, target.parent)
    image.pack(layer, target, "x86_64")
    layer.unlink()


def main() -> None:
    """Make the pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    host.require_root()
    folder.mkdir(parents=True)
    with step("Packing a lab", "some minutes") as work:
        root = folder / "root"
        make_tree(root, work)
        cache = root / DEFAULT_CACHE.relative_to("/")
        cache.mkdir(parents=True)
        make_image(cache / image.archive().name, work)
        work.say("compressing")
        pack = ["tar", "-C", root, "--use-compress-program=xz -9 -T2", "-cf", folder / "lab.tar.xz", "."]
        subprocess.run(pack, check=True)


if __name__ == "__main__":
    main()
