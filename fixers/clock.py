"""Step 1: let the nodes keep time."""

from collections.abc import Iterator

from cluster.cluster import Cluster
from engine.change import Change, Instruction, RunCommand

# Switched on, it takes some seconds to hear of the time.
_WAIT = "for i in $(seq 40); do timedatectl show -p NTPSynchronized | grep -q yes && break; sleep 1; done"


def keep_time(cluster: Cluster) -> Iterator[Change]:
    """Switch the time service on where it is installed and off."""
    for node in cluster.nodes:
        if node.machine.time_service == "off":
            yield RunCommand(
                node,
                f"timedatectl set-ntp true && {{ {_WAIT}; }}",
                undo_command="timedatectl set-ntp false",
                deadline_s=90,
            )
        elif node.machine.time_service == "missing":
            yield Instruction(node, f"install a time service on {node.name}: sudo apt-get install systemd-timesyncd")
