"""What somebody who was not there wants to read: logs, versions and settings of a node, as they are."""

from typing import TYPE_CHECKING

from cluster.facts.base import Facts, Reading, fact
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.stack import SERVICE

if TYPE_CHECKING:
    from cluster.node import Node

LINES = 500


def whole(reading: Reading) -> str:
    """Return all that was said, with what failed, since even an error tells something."""
    end = "" if reading.exit == 0 else f"\n(exit {reading.exit})"
    return f"{reading.out}{reading.err}{end}"


def _journal(*units: str) -> str:
    return f"journalctl --no-pager -n {LINES} {' '.join(f'-u {unit}' for unit in units)}"


def _containers(node: "Node") -> str:
    label = f"label={CLUSTER_LABEL}={node.cluster.inventory.name}"
    return (
        f"docker ps -a --no-trunc --filter {label}; "
        f"for id in $(docker ps -aq --filter {label}); do echo; echo == $id; docker logs --tail {LINES} $id; done"
    )


class LogFacts(Facts):
    """The logs of a node, each the last lines of it."""

    kernel: str = fact(f"dmesg --ctime 2>/dev/null | tail -n {LINES}", whole, root=True)
    docker: str = fact(_journal("docker", "containerd"), whole, root=True)
    network: str = fact(
        _journal("systemd-networkd", "NetworkManager") + "; ip addr; ip route; ip rule; ip neigh", whole, root=True
    )
    ssh: str = fact(_journal("ssh", "sshd"), whole, root=True)
    failed_units: str = fact("systemctl list-units --state=failed --all --no-pager", whole)
    engine: str = fact("docker version; docker info; cat /etc/docker/daemon.json", whole, root=True)
    swarm: str = fact("docker node ls; docker service ls; docker stack ls", whole, root=True)
    tasks: str = fact(
        f"docker service ps --no-trunc {SERVICE}; docker service logs --timestamps --tail {LINES} {SERVICE}",
        whole,
        root=True,
        timeout_s=20,
    )
    containers: str = fact(_containers, whole, root=True, timeout_s=20)
    toolkit: str = fact("nvidia-ctk --version; cat /etc/nvidia-container-runtime/config.toml", whole)
    gpu: str = fact("nvidia-smi -q", whole, timeout_s=20)
    versions: str = fact(
        "uname -a; cat /etc/os-release; cat /etc/dgx-release 2>/dev/null | grep -v SERIAL; "
        "dpkg-query -W '*docker*' '*nvidia*' '*containerd*' '*mellanox*' '*doca*' netplan.io openssh-server",
        whole,
    )
    disks: str = fact("df -h; free -m", whole)
