"""Two DGX Sparks side by side, as they answer when all is in order."""

import json
from typing import Any

from cluster.facts.adapter import AdapterFacts
from cluster.facts.doors import DoorFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.netplan import NetplanFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.rdma import RdmaFacts
from engine.outcome import Verdict
from reports.outcome import Outcome
from tests.runbook.recorded import Recorded

PORT, TWIN = "enp1s0f1np1", "enP2p1s0f1np1"
INTERFACES = (TWIN, PORT)


def link(name: str, node: int, **differs: Any) -> dict[str, Any]:
    """One interface of a node, counted from 1, as `ip -j addr` shows it."""
    subnet = 100 + INTERFACES.index(name)
    return {
        "ifname": name,
        "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        "operstate": "UP",
        "mtu": 1500,
        "address": f"4c:bb:47:2b:0{node}:{subnet}",
        "addr_info": [{"family": "inet", "local": f"192.168.{subnet}.{node}", "prefixlen": 24}],
        **differs,
    }


def addresses(*written: str) -> list[dict[str, Any]]:
    """Addresses as `ip -j addr` shows them."""
    return [{"family": "inet", "local": one.split("/")[0], "prefixlen": int(one.split("/")[1])} for one in written]


def links(node: int, **differs: dict[str, Any]) -> str:
    """What `ip -j addr` prints; keywords are what differs, by interface."""
    return json.dumps([link(name, node, **differs.get(name, {})) for name in INTERFACES])


def ports(*, up: tuple[str, ...] = INTERFACES) -> str:
    """What ibdev2netdev prints."""
    return "".join(f"mlx5_0 port 1 ==> {name} ({'Up' if name in up else 'Down'})\n" for name in INTERFACES)


def per_peer(node: int, says: str) -> str:
    """A line for each of the other node's addresses."""
    peer = 3 - node
    return "".join(f"192.168.{100 + i}.{peer} {says.format(name=name)}\n" for i, name in enumerate(INTERFACES))


ANSWERED = "5 packets transmitted, 5 received, 0% packet loss rtt min/avg/max/mdev = 0.035/0.1/0.2/0.01 ms"
LOST = "5 packets transmitted, 0 received, 100% packet loss, time 812ms"


def in_order(cluster: Recorded) -> Recorded:
    """Let both nodes have said that all is well."""
    for number in (1, 2):
        name = f"spark-{number}"
        cluster.said(NetworkFacts, name, links=links(number), ports=ports(), listening="")
        cluster.said(NetplanFacts, name, complaint="", files="")
        cluster.said(
            AdapterFacts,
            name,
            speeds="".join(f"{one} \tSpeed: 200000Mb/s\n" for one in INTERFACES),
            pcie="".join(f"{one} 4 32.0 GT/s PCIe 4 32.0 GT/s PCIe\n" for one in INTERFACES),
            counts="".join(f"{one} carrier_changes: 3\n{one} rx_crc_errors_phy: 0\n" for one in INTERFACES),
        )
        cluster.said(
            MeshFacts,
            name,
            routes=per_peer(number, "192.168.0.0/24 dev {name} proto kernel"),
            pings=per_peer(number, ANSWERED),
            large_pings=per_peer(number, ANSWERED),
            neighbours="".join(
                f"192.168.{100 + i}.{3 - number} dev {one} lladdr 4c:bb:47:2b:0{3 - number}:{100 + i} REACHABLE\n"
                for i, one in enumerate(INTERFACES)
            ),
        )
        cluster.said(DoorFacts, name, doors=per_peer(number, "7946/tcp refused"), rules="-P INPUT ACCEPT\n")
        cluster.said(RdmaFacts, name, devices=rdma(number), pins="", cma_total=CMA, cma_free=CMA)
    return cluster


def rdma(node: int) -> str:
    """A node's RDMA devices as /sys shows them."""
    lines = []
    for i, name in enumerate(INTERFACES):
        here = f"/sys/class/infiniband/roce{i}"
        lines += [
            f"{here}/ports/1/state:4: ACTIVE",
            f"{here}/ports/1/link_layer:Ethernet",
            f"{here}/ports/1/gid_attrs/types/3:RoCE v2",
            f"{here}/ports/1/gids/3:0000:0000:0000:0000:0000:ffff:c0a8:{100 + i:02x}{node:02x}",
            f"{here}/device/net/{name}:",
            f"{here}/device/infiniband_verbs/uverbs{i}:",
            f"/dev/infiniband/uverbs{i}:",
        ]
    return "\n".join(lines) + "\n"


CMA = "CmaTotal:          32768 kB\nCmaFree:           31000 kB\n"


def failed(verdict: Verdict) -> str:
    """The cause of a verdict that has to be a failure."""
    assert verdict.outcome is Outcome.FAILED, verdict
    return str(verdict.cause)
