"""Step 1: give the fabric interfaces their addresses, through netplan, so that they survive a reboot."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Interface

import yaml

from cluster.cluster import Cluster
from cluster.facts.network import BootEntry
from cluster.node import Node
from engine.change import Change, Instruction, RunCommand
from engine.network_change import WriteNetplan

OUR_FILE = "/etc/netplan/60-spark-runbook.yaml"
_HEAD = "# The fabric's addresses, written by Spark Runbook: `pytest runbook --undo RUN` takes them back.\n"


def address(node: Node) -> Iterator[Change]:
    """Make every fabric interface have its planned address, now and at boot."""
    plan = node.cluster.fabric.of(node.name)
    others = list(_others(node, plan))
    yield from others
    if others or not plan:
        return
    entries = {
        name: {"addresses": [str(planned)], "optional": True}
        for name, planned in plan.items()
        if name in _ours(node) or not _kept_elsewhere(node, name, planned)
    }
    live = node.network.live(plan)
    adds = [f"{planned} dev {name}" for name, planned in plan.items() if planned not in live[name]]
    text = _HEAD + yaml.safe_dump({"network": {"version": 2, "ethernets": entries}}, sort_keys=False)
    yield WriteNetplan(node, OUR_FILE, text.encode(), mode=0o600, adds=adds)


def address_all(cluster: Cluster) -> Iterator[Change]:
    """Give every node whose addresses are not as planned the planned ones."""
    for node in cluster.nodes:
        plan = node.cluster.fabric.of(node.name)
        if node.network.live(plan) != {name: (planned,) for name, planned in plan.items()}:
            yield from address(node)


def make_private(node: Node) -> Iterator[Change]:
    """Take the right to read netplan's files from everybody but root, as netplan itself asks."""
    for file in node.network.netplan_files:
        if not file.is_private:
            yield RunCommand(node, f"chmod 600 {file.path}", undo_command=f"chmod {file.mode} {file.path}")


def _ours(node: Node) -> dict[str, BootEntry]:
    return next((file.ethernets for file in node.network.netplan_files if file.path == OUR_FILE), {})


def _kept_elsewhere(node: Node, interface: str, planned: IPv4Interface) -> bool:
    entry = node.network.netplan.get(interface)
    return entry is not None and entry.addresses == (planned,)


def _others(node: Node, planned: Mapping[str, IPv4Interface]) -> Iterator[Change]:
    """Files that are not ours and give a fabric interface another address: netplan would keep both."""
    for file in node.network.netplan_files:
        for interface, entry in file.ethernets.items():
            wrong = [str(one) for one in entry.addresses if interface in planned and one != planned[interface]]
            if wrong and file.path != OUR_FILE:
                yield Instruction(
                    node,
                    f"take {', '.join(wrong)} of {interface} out of {file.path} on {node.name} (planned is "
                    f"{planned[interface]}), then run again: a file that is not ours stays as it is",
                )
