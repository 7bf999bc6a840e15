"""Step 7: our containers on a node, found by label and not by a part of their name."""

import re
from shlex import quote
from typing import TYPE_CHECKING

from pydantic import AliasPath, BaseModel, Field

from cluster.container_paths import SHARED_MEMORY_IN_CONTAINER, WORKSPACE_IN_CONTAINER
from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import as_model, succeeded
from cluster.facts.smi import uuids_by_gpu
from cluster.probes import invocation

if TYPE_CHECKING:
    from cluster.node import Node

CLUSTER_LABEL = "com.spark-runbook.cluster"


class _Mount(BaseModel):
    target: str = Field("", alias="Target")
    tmpfs_bytes: int | None = Field(None, validation_alias=AliasPath("TmpfsOptions", "SizeBytes"))


class RunningContainer(BaseModel):
    """A container of ours, as `docker inspect` tells it; `status` is running, paused, restarting and so on."""

    id: str = Field(alias="Id")
    name: str = Field("", alias="Name")
    image: str = Field("", alias="Image")
    variables: tuple[str, ...] | None = Field(None, validation_alias=AliasPath("Config", "Env"))
    pid: int = Field(0, validation_alias=AliasPath("State", "Pid"))
    runs: bool = Field(True, validation_alias=AliasPath("State", "Running"))
    status: str = Field("running", validation_alias=AliasPath("State", "Status"))
    shm_bytes: int = Field(0, validation_alias=AliasPath("HostConfig", "ShmSize"))
    mounts: tuple[_Mount, ...] | None = Field(None, validation_alias=AliasPath("HostConfig", "Mounts"))

    @property
    def shared_memory_gib(self) -> float:
        """The size of its /dev/shm, in GiB."""
        found = [one.tmpfs_bytes for one in self.mounts or () if one.target == SHARED_MEMORY_IN_CONTAINER]
        return round(next((size for size in found if size is not None), self.shm_bytes) / 2**30, 3)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find in their environment."""
        return dict(entry.split("=", 1) for entry in self.variables or () if "=" in entry)


_parse_containers = as_model(tuple[RunningContainer, ...])


def _containers(reading: Reading) -> tuple[RunningContainer, ...]:
    listed = _parse_containers(reading) if succeeded(reading).strip() else ()
    # One may end after it was listed, and one that docker is to start again is listed.
    return tuple(one for one in listed if one.runs and one.status != "restarting")


def _directory(reading: Reading) -> str:
    told = reading.out.split()
    if len(told) != 2:
        raise ParseError("it tells no two directories")
    inside, outside = told
    return "the node's own" if inside == outside else f"another one ({inside} instead of {outside})"


def _part(reading: Reading, name: str) -> str:
    """Return one part of what the probe said, whose head the first line ends."""
    _, found, rest = f"\n{reading.out}".partition(f"\n== {name}")
    if not found:
        said = (reading.err.strip() or f"it said nothing, with exit {reading.exit}").splitlines()[0]
        raise ParseError(f"no Python ran in the container: {said[:200]}")
    return rest.partition("\n== ")[0]


def _devices(reading: Reading) -> tuple[str, ...]:
    """Read what `nvidia-smi -L` said: its GPUs, or MIG devices, by UUID, or its own words as the only entry."""
    status, _, said = _part(reading, "nvidia-smi").partition("\n")
    found = tuple(uuid for gpu, slices in uuids_by_gpu(said).items() for uuid in slices or (gpu,))
    if status.strip() == "0" and found:
        return found
    return ((said.strip() or f"nothing, with exit {status.strip()}").splitlines()[0][:200],)


def _packages(reading: Reading) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _part(reading, "packages").splitlines():
        name, _, version = line.strip().partition(" ")
        # Of two with one name Python imports the first.
        if name:
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version.strip())
    return found


def _ours(node: "Node") -> str:
    label = f"{CLUSTER_LABEL}={node.cluster.inventory.name}"
    return f'ids=$(docker ps -q --no-trunc --filter label={label}) && {{ test -z "$ids" || docker inspect $ids; }}'


class ContainerFacts(Facts):
    """The training containers that run on a node."""

    ours: tuple[RunningContainer, ...] = fact(_ours, _containers, root=True)


def _first(node: "Node") -> RunningContainer:
    if not node.container.ours:
        raise UnknownFact(f"no container of ours runs on {node.name}")
    return node.container.ours[0]


def _workspaces(node: "Node") -> str:
    inside = f"/proc/{_first(node).pid}/root{WORKSPACE_IN_CONTAINER}"
    return f'stat -L -c "%d:%i" {inside} {quote(node.cluster.workspace)}'


def _inside(node: "Node") -> str:
    return f"docker exec {quote(_first(node).id)} {invocation('inside')}"


class InsideFacts(Facts):
    """What the first of them sees.

    `workspace` compares the directory that it sees with the node's; `devices` are its GPUs by UUID, or why it has none;
    `packages` are the Python packages by name, in lower case with hyphens.
    """

    workspace: str = fact(_workspaces, _directory, root=True)
    devices: tuple[str, ...] = fact(_inside, _devices, root=True, timeout_s=30)
    packages: dict[str, str] = fact(_inside, _packages, root=True, timeout_s=30)
