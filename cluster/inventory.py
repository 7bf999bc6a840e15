"""cluster.yaml: which nodes there are, how to reach them and what shall run on them."""

import re
import socket
from collections import Counter
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cluster.fields import (
    AbsolutePath,
    Address,
    HostName,
    ImageName,
    Interface,
    OwnPath,
    Port,
    UserName,
    YesNo,
)
from cluster.thresholds import Thresholds


class Strict(BaseModel):
    """A part of the inventory: unknown keys are refused, values are never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeEntry(Strict):
    """One node; what is left out comes from `ssh`."""

    name: HostName
    address: Address | None = None
    port: Port | None = None
    user: UserName | None = None
    key: OwnPath | None = None
    role: Literal["manager", "worker"] | None = None
    group: HostName | None = None


class Ssh(Strict):
    """How nodes are reached unless they say otherwise."""

    user: UserName | None = None
    port: Port | None = None
    key: OwnPath | None = None
    config: OwnPath = Path("~/.ssh/config")
    known_hosts: OwnPath = Path("~/.ssh/known_hosts")
    accept_new: YesNo = False
    connect_timeout_s: Annotated[float, Field(gt=0, le=300, strict=True)] = 10.0
    command_timeout_s: Annotated[float, Field(gt=0, le=3600, strict=True)] = 60.0


class Fabric(Strict):
    """The CX-7 network; `auto` takes the interfaces that are up on every node."""

    interfaces: Annotated[
        Annotated[Literal["auto"], Tag("word")] | Annotated[tuple[Interface, ...], Field(min_length=1), Tag("list")],
        Discriminator(lambda given: "word" if isinstance(given, str) else "list"),
    ] = "auto"
    subnets: Annotated[tuple[IPv4Network, ...], Field(min_length=1)] = tuple(
        IPv4Network(f"192.168.{third}.0/24") for third in (100, 101, 102, 103)
    )

    @field_validator("subnets")
    @classmethod
    def _usable(cls, subnets: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
        for index, subnet in enumerate(subnets):
            special = subnet.is_loopback or subnet.is_multicast or subnet.is_link_local or subnet.is_reserved
            if special or not 8 <= subnet.prefixlen <= 30:
                raise ValueError(f"{subnet} has no addresses for nodes; give a private subnet, from /8 to /30")
            if any(subnet.overlaps(other) for other in subnets[:index]):
                raise ValueError(f"{subnet} overlaps another subnet; each logical interface needs its own")
        return subnets


IMAGE_RECIPE = 3
"""Raised when other packages go into an image that we build, so that it is another image everywhere."""


class Image(Strict):
    """The training image: one with a name, to be pulled or loaded, or one that is built from a base."""

    name: ImageName | None = None
    archive: Path | None = None
    base: ImageName = "nvcr.io/nvidia/pytorch:25.10-py3"

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.name and "base" in self.model_fields_set:
            raise ValueError("an image is built from `base` or has a `name`; leave one of them out")
        if self.archive and not self.name:
            raise ValueError("`archive` wants the `name` of the image that is in it")
        if self.archive and self.by_digest:
            raise ValueError("`docker load` brings no digest back; beside an `archive` give the `name` without one")
        return self

    @property
    def built(self) -> bool:
        """Whether it is built from the base."""
        return self.name is None

    @property
    def by_digest(self) -> bool:
        """Whether its name has a digest; such a name it gets by a pull alone, as `docker load` brings none back."""
        return "@" in self.reference

    @property
    def reference(self) -> str:
        """What docker knows it by; for one that we build, another for every base and every set of packages."""
        return self.name or f"spark-runbook/training:{IMAGE_RECIPE}-{sha256(self.base.encode()).hexdigest()[:8]}"


class Mount(Strict):
    """A directory of every node that its training container sees."""

    source: AbsolutePath
    target: AbsolutePath
    read_only: YesNo = True


class Inventory(Strict):
    """A cluster as its owner describes it."""

    name: HostName = "sparks"
    nodes: Annotated[tuple[NodeEntry, ...], Field(min_length=1)]
    ssh: Ssh = Ssh()
    fabric: Fabric = Fabric()
    image: Image = Image()
    launcher: Literal["swarm", "docker"] = "swarm"
    managers: Literal[1, 3, 5] = 1
    device: Literal["cuda", "cpu"] = "cuda"
    recipe: str | None = None
    workspace: AbsolutePath | None = None
    rendezvous_port: Port = 29500
    mounts: tuple[Mount, ...] = ()
    thresholds: Thresholds = Thresholds()
    simulated: tuple[str | dict[str, str], ...] = ()
    local: Annotated[bool, Field(exclude=True)] = False

    @property
    def uses_swarm(self) -> bool:
        """Whether a swarm starts the containers; else each is a plain one."""
        return self.launcher == "swarm"

    @property
    def manager(self) -> NodeEntry:
        """The node that leads the swarm and holds rank 0: the one that says so, else the first that may."""
        return next((node for node in self.nodes if node.role == "manager"), _may_lead(self.nodes)[0])

    @field_validator("nodes")
    @classmethod
    def _led(cls, nodes: tuple[NodeEntry, ...]) -> tuple[NodeEntry, ...]:
        if not _may_lead(nodes):
            raise ValueError("all of them are workers, and one has to lead; leave its `role` out")
        return nodes

    @field_validator("managers")
    @classmethod
    def _enough_nodes(cls, managers: int, told: ValidationInfo) -> int:
        nodes = _may_lead(told.data.get("nodes", ()))
        if nodes and managers > len(nodes):
            raise ValueError(f"so many managers take as many nodes, and this cluster has {len(nodes)} that may lead")
        return managers

    @property
    def swarm_managers(self) -> tuple[NodeEntry, ...]:
        """The nodes that keep the swarm's state: its leader first, and the others spread over the groups."""
        chosen = [self.manager]
        while len(chosen) < self.managers:
            taken = Counter(node.group for node in chosen)
            chosen.append(
                min((one for one in _may_lead(self.nodes) if one not in chosen), key=lambda one: taken[one.group])
            )
        return tuple(chosen)

    @property
    def simulated_parts(self) -> list[str]:
        """What of this cluster is not real, as lines for the report's head."""
        return [
            part if isinstance(part, str) else ", ".join(f"{key}: {value}" for key, value in part.items())
            for part in self.simulated
        ]


def _may_lead(nodes: tuple[NodeEntry, ...]) -> list[NodeEntry]:
    return [node for node in nodes if node.role != "worker"]


def this_machine() -> Inventory:
    """Describe the machine that runs us as a cluster of one, reached without SSH."""
    # A hostname may have characters, and a length, that names of nodes have not.
    name = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname().split(".")[0])[:63].strip("-") or "localhost"
    return Inventory(nodes=(NodeEntry(name=name, address="localhost"),), local=True)
