"""cluster.yaml: which nodes there are, how to reach them and what shall run on them."""

import re
import socket
from collections import Counter
from collections.abc import Iterator
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
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cluster.errors import InventoryError
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
    in_plain_words,
)
from cluster.ranges import RangeMistake, expand
from cluster.thresholds import Thresholds
from cluster.yaml_lines import FieldPath, line_of, load_with_lines, spell


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


IMAGE_RECIPE = 2
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
        return self

    @property
    def built(self) -> bool:
        """Whether it is built from the base."""
        return self.name is None

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
    def manager(self) -> NodeEntry:
        """The node that leads the swarm and holds rank 0: the one that says so, else the first."""
        return next((node for node in self.nodes if node.role == "manager"), self.nodes[0])

    @field_validator("managers")
    @classmethod
    def _enough_nodes(cls, managers: int, told: ValidationInfo) -> int:
        nodes = told.data.get("nodes", ())
        if nodes and managers > len(nodes):
            raise ValueError(f"so many managers take as many nodes, and this cluster has {len(nodes)}")
        return managers

    @property
    def swarm_managers(self) -> tuple[NodeEntry, ...]:
        """The nodes that keep the swarm's state: its leader first, and the others spread over the groups."""
        chosen = [self.manager]
        while len(chosen) < self.managers:
            taken = Counter(node.group for node in chosen)
            chosen.append(min((node for node in self.nodes if node not in chosen), key=lambda node: taken[node.group]))
        return tuple(chosen)

    @property
    def simulated_parts(self) -> list[str]:
        """What of this cluster is not real, as lines for the report's head."""
        return [
            part if isinstance(part, str) else ", ".join(f"{key}: {value}" for key, value in part.items())
            for part in self.simulated
        ]


def this_machine() -> Inventory:
    """Describe the machine that runs us as a cluster of one, reached without SSH."""
    # A hostname may have characters, and a length, that names of nodes have not.
    name = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname().split(".")[0])[:63].strip("-") or "localhost"
    return Inventory(nodes=(NodeEntry(name=name, address="localhost"),), local=True)


_MOST = 10_000_000
"""Characters; a cluster of 1,000 nodes takes less than a tenth."""


def read_inventory(path: Path) -> Inventory:
    """Read an inventory file.

    Raises:
        InventoryError: The file cannot be read or describes no usable cluster.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST + 1)
    except FileNotFoundError:
        raise InventoryError(f"{path} does not exist: write it, or name another with --inventory.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InventoryError(f"{path} cannot be read: {reason}.") from None
    if len(text) > _MOST:
        raise InventoryError(f"{path} cannot be read: it has more than {_MOST:,} characters.")
    return parse_inventory(text, str(path))


def parse_inventory(text: str, source: str) -> Inventory:
    """Turn YAML text into an inventory; `source` names it in errors.

    Raises:
        InventoryError: With file, line, field and the reason of the first mistake.
    """
    data, lines = load_with_lines(text, source)
    if not isinstance(data, dict):
        raise InventoryError(f"{source}:1: a mapping is expected, with your nodes listed under `nodes:`.")
    if "local" in data:
        raise InventoryError(
            f"{source}:{lines[('local',)]}: local: unknown key; run without --inventory for this machine."
        )
    data, written_at = _expanded(data, lines, source)
    try:
        inventory = Inventory.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = _written(_original(first["loc"], written_at), first["type"], lines)
        raise InventoryError(
            f"{source}:{line_of(field, lines)}: {spell(field)}: {in_plain_words(first['type'], first['msg'])}."
        ) from None
    for place, mistake in _repeated(inventory):
        field = _original(place, written_at)
        raise InventoryError(f"{source}:{line_of(field, lines)}: {spell(field)}: {mistake}.")
    return inventory


def _expanded(
    data: dict[str, object], lines: dict[FieldPath, int], source: str
) -> tuple[dict[str, object], dict[int, int]]:
    """Write ranges of nodes out; also return the index at which each node's entry is written."""
    nodes = data.get("nodes")
    if not isinstance(nodes, list):
        return data, {}
    try:
        expanded = list(expand(nodes))
    except RangeMistake as mistake:
        raise InventoryError(f"{source}:{line_of(mistake.field, lines)}: {spell(mistake.field)}: {mistake}.") from None
    return {**data, "nodes": [entry for _, entry in expanded]}, dict(enumerate(index for index, _ in expanded))


def _original(field: FieldPath, written_at: dict[int, int]) -> FieldPath:
    """Return the field as it is written, where a range was written out."""
    if len(field) > 1 and field[0] == "nodes" and isinstance(field[1], int):
        return (field[0], written_at.get(field[1], field[1]), *field[2:])
    return field


def _repeated(inventory: Inventory) -> Iterator[tuple[FieldPath, str]]:
    names: set[str] = set()
    doors: set[tuple[str, int]] = set()
    managers: list[str] = []
    for index, node in enumerate(inventory.nodes):
        door = ((node.address or node.name).lower(), node.port or inventory.ssh.port or 22)
        if node.name in names:
            yield ("nodes", index, "name"), f"another node is called {node.name}, too; every node needs its own name"
        if door in doors:
            yield (
                ("nodes", index, "address"),
                f"another node is at {door[0]} port {door[1]}, too; every node has its own",
            )
        if node.role == "manager" and managers:
            yield ("nodes", index, "role"), f"{managers[0]} is manager already; one node leads the cluster"
        names.add(node.name)
        doors.add(door)
        managers += [node.name] if node.role == "manager" else []


def _written(location: FieldPath, kind: str, lines: dict[FieldPath, int]) -> FieldPath:
    # pydantic adds the names of a union's members to a location; only keys and indexes that are written help a reader.
    field: FieldPath = ()
    for part in location:
        if (*field, part) in lines:
            field = (*field, part)
    return (*field, location[-1]) if kind == "missing" else field
