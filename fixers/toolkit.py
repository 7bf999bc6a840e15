"""Step 3: the NVIDIA Container Toolkit, from the package source that the node has already."""

from collections.abc import Iterator

from packaging.version import Version

from cluster.facts.toolkit import PACKAGE
from cluster.node import Node
from engine.change import Change, Consent, Instruction, RunCommand

# 1.18 with jit-cdi ignores swarm-resource: nvidia-container-toolkit's own change log.
OLDEST = Version("1.19")
_APT = "DEBIAN_FRONTEND=noninteractive apt-get -y -q"
PATIENCE_S = 300


def install(node: Node) -> Iterator[Change]:
    """Install or upgrade the toolkit, when asked to, where apt already knows a version that is new enough."""
    package = node.toolkit.package
    if package.offered < OLDEST:
        known = f"apt knows {package.candidate} alone" if package.candidate else "apt knows no such package"
        yield Instruction(
            node,
            f"on {node.name} set up NVIDIA's package source as its installation guide for the container toolkit says "
            f"({known}), then run again",
        )
        return
    back = f"install --allow-downgrades {PACKAGE}={package.installed}" if package.installed else f"remove {PACKAGE}"
    yield RunCommand(
        node,
        f"{_APT} install {PACKAGE}={package.candidate}",
        undo_command=f"{_APT} {back}",
        consent=Consent("install-toolkit", f"{PACKAGE} {package.candidate} is installed on {node.name}"),
        deadline_s=PATIENCE_S,
    )
