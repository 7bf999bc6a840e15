"""Step 3: the NVIDIA Container Toolkit, from the package source that the node has already."""

from collections.abc import Iterator

from packaging.version import Version

from cluster.facts.toolkit import DEPENDENCIES, PACKAGE, Package
from cluster.node import Node
from engine.change import Change, Consent, Instruction, RunCommand

# 1.18 with jit-cdi ignores swarm-resource: nvidia-container-toolkit's own change log.
OLDEST = Version("1.19")
# Of unattended-upgrades, which holds dpkg's lock for minutes after a boot.
_APT = "DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120"
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
    yield RunCommand(
        node,
        f"{_APT} install {PACKAGE}={package.candidate}",
        undo_command=_take_back(package),
        consent=Consent("install-toolkit", f"{PACKAGE} {package.candidate} is installed on {node.name}"),
        deadline_s=PATIENCE_S,
    )


def _take_back(package: Package) -> str:
    """Build the command that gives back the versions from before, unless those that were installed are gone since."""
    every = (PACKAGE, *DEPENDENCIES)
    before = {PACKAGE: package.installed} if package.installed else {}
    before |= package.dependencies
    new = [name for name in every if name not in before]
    # Of each the version is named: apt would not take an older one for the sake of another package.
    old = " ".join(f"{name}={version}" for name, version in before.items())
    steps = [f"{_APT} install --allow-downgrades {old}"] * bool(before) + [f"{_APT} remove {' '.join(new)}"] * bool(new)
    return f"""\
there=$(dpkg-query -W -f '${{db:Status-Status}} ${{Version}}\\n' {" ".join(every)} 2>/dev/null)
if echo "$there" | grep -Ev '^(not-installed|config-files) ' | cut -d ' ' -f 2 | grep -Fxq {package.candidate}; then
  {" && ".join(steps)}
fi"""
