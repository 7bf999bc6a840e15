"""The address by which we are on a node: with it an undo would take away our own way to the rest of its work."""

import re

from cluster.errors import CommandFailed
from cluster.node import Node
from engine.journal import Record
from engine.undo_step import UndoCommand


def keep_way_in(node: Node, record: Record) -> None:
    """Refuse to take a change back where we come in by an address that goes, or an interface that is switched off.

    Raises:
        CommandFailed: We do.
    """
    address = node.login.address
    if address and (address in addresses_that_go(record) or _is_switched_off(node, record, address)):
        raise CommandFailed(
            f"{node.name} is reached by {address}, which this would take away: reach it by another address and undo "
            "again"
        )


def addresses_that_go(record: Record) -> set[str]:
    """Return the addresses that taking a change back takes from a node."""
    return {address.partition("/")[0] for address in re.findall(r"ip addr del (\S+)", _commands(record))}


def _is_switched_off(node: Node, record: Record, address: str) -> bool:
    interfaces = re.findall(r"ip link set (\S+) down", _commands(record))
    return any(f" {address}/" in node.read(f"ip -o addr show dev {name}").out for name in interfaces)


def _commands(record: Record) -> str:
    return "\n".join(step.command for step in record.undo if isinstance(step, UndoCommand))
