"""testinfra's host API on a node's own connection, so that one-off questions cost no second login."""

from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

if TYPE_CHECKING:
    from cluster.node import Node


class NodeBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Sends testinfra's commands as those that only read, so that none changes the node."""

    NAME = "runbook"

    def __init__(self, node: "Node", *, root: bool) -> None:
        """Speak to one node, as root where that is possible."""
        super().__init__(node.name)
        self._node = node
        self._root = root

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ARG002 - testinfra's interface
        """Run one of testinfra's own commands.

        Raises:
            ReadOnly: The command would change the node.
        """
        quoted = self.get_command(command, *args)
        said = self._node.read(quoted, root=self._root)
        return self.result(124 if said.exit is None else said.exit, self.encode(quoted), said.stdout, said.stderr)


def host_of(node: "Node") -> Host:
    """Build testinfra's host for a node."""
    return Host(NodeBackend(node, root=node.has_root))
