"""Step 1: let the nodes keep time."""

from collections.abc import Iterator

from cluster.cluster import Cluster
from cluster.node import Node
from engine.change import Change, Changes, Instruction, RunCommand, together

# Switched on, it takes some seconds to hear of the time.
_WAIT = "for i in $(seq 40); do timedatectl show -p NTPSynchronized | grep -q yes && break; sleep 1; done"


def enable_time_sync(cluster: Cluster) -> Changes:
    """Switch the time service on where it is installed and off."""
    yield together(map(_switch_on, cluster.nodes))


def _switch_on(node: Node) -> Iterator[Change]:
    if node.machine.time_service == "off":
        yield RunCommand(
            node,
            f"timedatectl set-ntp true && {{ {_WAIT}; }}",
            undo_command="timedatectl set-ntp false",
            deadline_s=90,
        )
    elif node.machine.time_service == "missing":
        yield Instruction(node, f"install a time service on {node.name}: sudo apt-get install systemd-timesyncd")
