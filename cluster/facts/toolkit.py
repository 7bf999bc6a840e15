"""Step 3: the NVIDIA Container Toolkit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
from packaging.version import Version
from tomlkit.exceptions import TOMLKitError

from cluster.facts.base import Facts, ParseError, Reading, contents, fact
from cluster.facts.parse import succeeded

PACKAGE = "nvidia-container-toolkit"
DEPENDENCIES = ("nvidia-container-toolkit-base", "libnvidia-container-tools", "libnvidia-container1")
"""Packages that it wants in its own version and in no other."""
CONFIG_TOML = "/etc/nvidia-container-runtime/config.toml"


@dataclass(frozen=True)
class Package:
    """The versions that apt has installed and could install; empty where there is none.

    `dependencies` are the installed versions of those that have to be of the same version.
    """

    installed: str
    candidate: str
    dependencies: Mapping[str, str]

    @property
    def offered(self) -> Version:
        """The version that apt could install; version 0 where there is none."""
        found = re.match(r"\d{1,9}(?:\.\d{1,9}){1,9}", self.candidate, re.ASCII)
        return Version(found[0] if found else "0")


def parse_version(reading: Reading) -> Version:
    """Read `NVIDIA Container Toolkit CLI version 1.20.1`; version 0 when the toolkit is not there."""
    if reading.exit == 127:
        return Version("0")
    found = re.search(r"version (\d{1,9}(?:\.\d{1,9}){1,9})", succeeded(reading), re.ASCII)
    if not found:
        raise ParseError("it names no version")
    return Version(found[1])


def parse_toml(reading: Reading) -> dict[str, Any]:
    """Read config.toml; no file is an empty one."""
    try:
        return tomlkit.parse(succeeded(reading)).unwrap()
    except TOMLKitError as error:
        raise ParseError(f"it is not valid TOML: {error}") from None


def _toml_fault(reading: Reading) -> str:
    try:
        tomlkit.parse(succeeded(reading))
    except TOMLKitError as error:
        return str(error)[:200]
    return ""


def _package(reading: Reading) -> Package:
    if reading.exit == 127:
        return Package("", "", {})
    found: dict[str, dict[str, str]] = {}
    for name, key, value in re.findall(
        r"^(?:(\S+):$|  (Installed|Candidate): (\S+)$)", succeeded(reading), re.MULTILINE
    ):
        if name:
            found[name] = {}
        elif found and value != "(none)":
            found[[*found][-1]][key] = value
    own = found.get(PACKAGE, {})
    dependencies = {name: version for name in DEPENDENCIES if (version := found.get(name, {}).get("Installed"))}
    return Package(own.get("Installed", ""), own.get("Candidate", ""), dependencies)


class ToolkitFacts(Facts):
    """The toolkit's version, its runtime's configuration, and its package."""

    is_local = True

    version: Version = fact("nvidia-ctk --version", parse_version)
    runtime: str = fact("command -v nvidia-container-runtime || true", lambda reading: reading.out.strip())
    settings: dict[str, Any] = fact(contents(CONFIG_TOML), parse_toml)
    fault: str = fact(contents(CONFIG_TOML), _toml_fault)
    package: Package = fact(f"apt-cache policy {PACKAGE} {' '.join(DEPENDENCIES)}", _package)

    @property
    def swarm_resources(self) -> tuple[str, ...]:
        """The variables by which swarm may hand out GPUs; none while the line is commented out."""
        return tuple(re.findall(r"[^,\s]+", str(self.settings.get("swarm-resource", ""))))

    @property
    def mode(self) -> str:
        """How the runtime hands GPUs to containers; `auto` unless it is set."""
        section = self.settings.get("nvidia-container-runtime")
        return str(section.get("mode", "auto")) if isinstance(section, dict) else "auto"
