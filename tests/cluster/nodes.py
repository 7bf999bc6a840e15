"""Clusters for tests: this machine, an sshd of our own as a node, and nodes whose answers are given."""

import json
from ipaddress import IPv4Interface

import yaml

from cluster.cluster import Cluster
from cluster.facts.base import Reading
from cluster.facts.container import ContainerFacts
from cluster.facts.network import NetworkFacts
from cluster.inventory import this_machine
from cluster.inventory_file import parse_inventory
from tests.sshd import Sshd


def this_cluster() -> Cluster:
    """This machine as a cluster of one, connected."""
    cluster = Cluster(this_machine())
    cluster.connect()
    return cluster


def cluster_over(
    sshd: Sshd,
    *,
    user: str = "root",
    names: tuple[str, ...] = ("spark-1",),
    password: str | None = None,
    command_timeout_s: float = 20.0,
) -> Cluster:
    """Nodes that are all reached by one sshd, under one address each, not yet connected."""
    addresses = [f"127.0.0.{number}" for number in range(1, len(names) + 1)]
    inventory = {
        "nodes": [{"name": name, "address": address} for name, address in zip(names, addresses, strict=True)],
        "ssh": {
            "user": user,
            "port": sshd.port,
            "key": str(sshd.key),
            "config": str(sshd.folder / "no_ssh_config"),
            "known_hosts": str(sshd.known_hosts_of(addresses)),
            "connect_timeout_s": 3.0,
            "command_timeout_s": command_timeout_s,
        },
    }
    return Cluster(parse_inventory(yaml.safe_dump(inventory), "inventory"), become_password=password)


def tell_containers(cluster: Cluster) -> None:
    """Let every node have said that a container of ours runs there."""
    told = json.dumps([{"Id": "5d5e682ba113", "Config": {}, "State": {"Pid": 4711}}])
    for node in cluster.nodes:
        node.keep(ContainerFacts(node, {"ours": Reading("ours", 0, told, "")}))


def tell_links(cluster: Cluster, interface: str = "enp1s0f0np0") -> None:
    """Let every node have said that it has one cabled interface, addressed by its rank."""
    for node in cluster.nodes:
        address = IPv4Interface(f"192.168.100.{node.rank + 1}/24")
        links = f"""[{{"ifname": "{interface}", "operstate": "UP", "mtu": 1500,
          "addr_info": [{{"family": "inet", "local": "{address.ip}", "prefixlen": 24}}]}}]"""
        said = {"links": links, "ports": f"mlx5_0 port 1 ==> {interface} (Up)\n", "listening": ""}
        node.keep(NetworkFacts(node, {name: Reading(name, 0, out, "") for name, out in said.items()}))
