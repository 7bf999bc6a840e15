"""cluster.yaml as a file: reading it, and telling the first mistake in it by line and field."""

from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath

from pydantic import ValidationError

from cluster.container_paths import HF_CACHE_IN_CONTAINER, SHARED_MEMORY_IN_CONTAINER, WORKSPACE_IN_CONTAINER
from cluster.errors import InventoryError
from cluster.fields import in_plain_words
from cluster.inventory import Inventory
from cluster.ranges import RangeMistake, expand
from cluster.yaml_lines import FieldPath, line_of, load_with_lines, spell

_MOST = 10_000_000
"""Characters; a cluster of 1,000 nodes takes less than a tenth."""

# fmt: off
_THE_SYSTEMS = {
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin",
    "/srv", "/sys", "/tmp", "/usr", "/var",  # noqa: S108 - named to be refused
}
# fmt: on
"""Directories whose owner nobody may change, and which no container should be given whole."""


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
    for place, mistake in _contradictions(inventory):
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


def _contradictions(inventory: Inventory) -> Iterator[tuple[FieldPath, str]]:
    """What no field forbids by itself and no cluster can be: the field that is one too many, and why."""
    yield from _two_nodes_in_one(inventory)
    yield from _directories(inventory)


def _two_nodes_in_one(inventory: Inventory) -> Iterator[tuple[FieldPath, str]]:
    names: dict[str, str] = {}
    endpoints: set[tuple[str, int]] = set()
    managers: list[str] = []
    for index, node in enumerate(inventory.nodes):
        name = node.name.lower()
        endpoint = ((node.address or node.name).lower(), node.port or inventory.ssh.port or 22)
        if name in names:
            yield ("nodes", index, "name"), f"another node is called {names[name]}, too; every node needs its own name"
        if endpoint in endpoints:
            yield (
                ("nodes", index, "address"),
                f"another node is at {endpoint[0]} port {endpoint[1]}, too; every node has its own",
            )
        if node.role == "manager" and managers:
            yield ("nodes", index, "role"), f"{managers[0]} is manager already; one node leads the cluster"
        names[name] = node.name
        endpoints.add(endpoint)
        managers += [node.name] if node.role == "manager" else []


def _directories(inventory: Inventory) -> Iterator[tuple[FieldPath, str]]:
    if inventory.workspace and _plain(inventory.workspace) in _THE_SYSTEMS:
        yield ("workspace",), f"{inventory.workspace} is the system's; give one of its own, as /srv/spark-runbook"
    taken = {WORKSPACE_IN_CONTAINER, HF_CACHE_IN_CONTAINER, SHARED_MEMORY_IN_CONTAINER, "/"}
    for index, mount in enumerate(inventory.mounts):
        if _plain(mount.target) in taken:
            yield ("mounts", index, "target"), f"the container has another directory at {mount.target} already"
        taken.add(_plain(mount.target))


def _plain(path: str) -> str:
    # POSIX lets two slashes at the beginning mean something, which Linux does not.
    return normpath(f"/{path.lstrip('/')}")


def _written(location: FieldPath, kind: str, lines: dict[FieldPath, int]) -> FieldPath:
    # pydantic adds the names of a union's members to a location; only keys and indexes that are written help a reader.
    field: FieldPath = ()
    for part in location:
        if (*field, part) in lines:
            field = (*field, part)
    return (*field, location[-1]) if kind == "missing" else field
