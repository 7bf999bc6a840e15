"""Step 1: cables, addresses, frames, routes and firewalls of the fabric."""

from typing import Final

from lab.faults.fault import PERSON, Fault
from lab.faults.shell import HARDWARE

OURS: Final = "/etc/netplan/60-spark-runbook.yaml"
PORT: Final = "enp1s0f1np1"
TWIN: Final = "enP2p1s0f1np1"
_HAND_MADE: Final = "/etc/netplan/40-cx7.yaml"


def _by_hand(entry: str) -> str:
    """Have the port described by a file that is not ours, as the playbook does it."""
    return (
        f"sed -i '/^    {PORT}:/,/^    [^ ]/{{/^    {PORT}:/d; /^     /d}}' {OURS}; "
        f"printf 'network:\\n  version: 2\\n  ethernets:\\n    {PORT}: {{{entry}}}\\n' >{_HAND_MADE}; "
        f"chmod 600 {_HAND_MADE}; netplan apply"
    )


FAULTS: Final = (
    Fault(
        "interface-down",
        "somebody switched an interface of the fabric off",
        "network.same_ports",
        None,
        f"{PORT} is switched off on spark-2",
        breaks={"spark-2": f"ip link set {PORT} down"},
    ),
    Fault(
        "all-interfaces-down",
        "somebody switched the whole port of a node off",
        "network.cabled",
        "spark-2",
        "are switched off",
        breaks={"spark-2": f"ip link set {PORT} down; ip link set {TWIN} down"},
    ),
    Fault(
        "twins-down",
        "somebody switched one of the port's two interfaces off, on both nodes",
        "network.twins",
        "spark-1",
        f"{TWIN} is switched off",
        breaks=dict.fromkeys(("spark-1", "spark-2"), f"ip link set {TWIN} down"),
    ),
    Fault(
        "cable-pulled",
        "the cable was pulled",
        "network.cabled",
        "spark-1",
        "without a carrier",
        PERSON,
        pulled=(("spark-1", PORT), ("spark-1", TWIN)),
    ),
    Fault(
        "link-half-speed",
        "a link came up at half its speed",
        "network.speed",
        "spark-1",
        "came up at 100000 Mb/s, and spark-2 tells another speed",
        PERSON,
        breaks={"spark-1": f"sed -i s/200000/100000/ {HARDWARE}"},
    ),
    Fault(
        "bad-cable",
        "frames arrive broken",
        "network.errors",
        "spark-1",
        "frames arrive broken",
        PERSON,
        warns=True,
        breaks={"spark-1": f"""sed -i 's/"crc_errors": 0/"crc_errors": 5000/' {HARDWARE}"""},
    ),
    Fault(
        "link-flaps",
        "a plug sits loose: the link comes and goes",
        "network.flaps",
        "spark-1",
        "comes and goes",
        PERSON,
        warns=True,
        breaks={
            "spark-1": f"for n in $(seq 30); do for to in down up; do ip link set {PORT} $to; done; done; netplan apply"
        },
    ),
    Fault(
        "netplan-broken",
        "a netplan file has a mistake",
        "network.netplan",
        "spark-1",
        f"{OURS}:",
        PERSON,
        breaks={"spark-1": f"printf 'network:\\n  ethernets:\\n   x: [\\n' >{OURS}"},
    ),
    Fault(
        "netplan-readable",
        "everybody may read a netplan file",
        "network.private",
        "spark-2",
        "60-spark-runbook.yaml",
        breaks={"spark-2": f"chmod 644 {OURS}"},
    ),
    Fault(
        "netplan-lost",
        "the address was given by hand, so that a reboot takes it away",
        "network.persisted",
        "spark-1",
        "it was set by hand, and a reboot loses it",
        breaks={"spark-1": f"rm {OURS}"},
    ),
    Fault(
        "netplan-in-run",
        "netplan's file lies where a reboot removes it",
        "network.persisted",
        "spark-1",
        "in /run, which a reboot empties",
        breaks={"spark-1": f"mkdir -p /run/netplan; mv {OURS} /run/netplan/"},
    ),
    Fault(
        "boot-waits",
        "boot waits two minutes for a peer that is off",
        "network.optional",
        "spark-1",
        "two minutes",
        breaks={"spark-1": f"sed -i /optional/d {OURS}"},
    ),
    Fault(
        "twin-without-address",
        "one of the port's two interfaces has no address",
        "network.addressed",
        "spark-1",
        "its twin has one: half of the port's bandwidth",
        breaks={"spark-1": f"ip addr flush dev {TWIN}"},
    ),
    Fault(
        "twins-in-one-subnet",
        "both interfaces of a port are in one subnet",
        "network.addressed",
        "spark-1",
        "shares a subnet with",
        breaks={"spark-1": f"ip addr flush dev {PORT}; ip addr add 192.168.101.77/24 dev {PORT}"},
    ),
    Fault(
        "address-twice",
        "one node's file was copied to the other: both have one address",
        "network.unique",
        None,
        "two nodes have one address",
        also=("network.addressed",),
        breaks={"spark-2": f"ip addr flush dev {PORT}; ip addr add 192.168.100.1/24 dev {PORT}"},
    ),
    Fault(
        "file-copied",
        "one node's netplan file was copied to the other: both have one address, at boot too",
        "network.unique",
        None,
        "two nodes have one address",
        also=("network.addressed",),
        breaks={"spark-2": _by_hand("addresses: [192.168.100.1/24], optional: true")},
        leaves=(_HAND_MADE,),
    ),
    Fault(
        "link-local",
        "the fabric's addresses are left to chance: they are link-local, and others after a reboot",
        "network.addressed",
        "spark-1",
        "link-local address, which changes",
        breaks={
            "spark-1": _by_hand("link-local: [ipv4]")
            + f"; for n in $(seq 30); do ip addr show {PORT} | grep -q 169.254 && break; sleep 1; done"
        },
        leaves=(_HAND_MADE,),
    ),
    Fault(
        "boot-waits-by-hand",
        "boot waits two minutes for a peer that is off, by a netplan file that somebody wrote",
        "network.optional",
        "spark-1",
        "two minutes",
        breaks={"spark-1": _by_hand("addresses: [192.168.100.1/24]")},
        leaves=(_HAND_MADE,),
    ),
    Fault(
        "mtu-differs",
        "one node sends larger frames than the other takes",
        "network.mtu",
        None,
        "of spark-1 has 9000 where another node takes no more",
        breaks={"spark-1": f"ip link set {PORT} mtu 9000"},
    ),
    Fault(
        "switch-drops-large-frames",
        "the switch in between takes no large frames",
        "network.frames",
        None,
        "frames of 1500, 9000 bytes are not",
        breaks={
            "spark-1": f"ip link set {PORT} mtu 9000",
            "spark-2": f"ip link set {PORT} mtu 9000; "
            f"iptables -A INPUT -i {PORT} -m length --length 1501:65535 -j DROP",
        },
    ),
    Fault(
        "route-elsewhere",
        "the way to a peer's fabric address leads over the management network",
        "network.route",
        "spark-1",
        "is reached by another way: 192.168.100.2 dev enP7s7",
        breaks={"spark-1": "ip route add 192.168.100.2/32 dev enP7s7"},
    ),
    Fault(
        "third-machine",
        "another machine answers at a peer's address",
        "network.neighbours",
        "spark-1",
        "another machine answers",
        PERSON,
        breaks={
            "spark-1": f"ip neigh replace 192.168.100.2 lladdr 02:00:00:00:00:99 dev {PORT} nud permanent",
        },
    ),
    Fault(
        "nobody-answers",
        "a node does not answer when it is asked for by its address",
        "network.reachable",
        "spark-1",
        f"nobody on {PORT} answers when asked who has",
        PERSON,
        breaks={"spark-2": f"ip link set {PORT} arp off", "spark-1": "ip neigh flush all"},
    ),
    Fault(
        "pings-dropped",
        "a firewall drops pings",
        "network.reachable",
        "spark-1",
        "its packet filter (`iptables -S INPUT`) turns them away",
        PERSON,
        breaks={"spark-2": "iptables -A INPUT -p icmp --icmp-type echo-request -j DROP"},
    ),
    Fault(
        "pings-lost",
        "every third packet is lost",
        "network.reachable",
        "spark-1",
        "pings lost on the way",
        PERSON,
        # Pings to both addresses go out in turns: an even count would take all of one and none of the other.
        breaks={
            "spark-2": "iptables -A INPUT -p icmp --icmp-type echo-request -m statistic --mode nth --every 3 "
            "--packet 0 -j DROP"
        },
    ),
    Fault(
        "swarm-port-dropped",
        "a firewall drops what members of the swarm say to each other",
        "network.doors",
        "spark-1",
        "silently drops what the swarm and the ranks send to spark-2",
        allow=("open-firewall",),
        breaks={"spark-2": "iptables -A INPUT -i en+ -p tcp --dport 7946 -j DROP"},
    ),
    Fault(
        "swarm-datagrams-dropped",
        "a firewall drops the swarm's datagrams",
        "network.doors",
        "spark-1",
        "silently drops what the swarm and the ranks send to spark-2",
        allow=("open-firewall",),
        breaks={"spark-2": "iptables -A INPUT -i en+ -p udp --dport 7946 -j DROP"},
    ),
    Fault(
        "swarm-port-rejected",
        "a firewall rejects those who want to join",
        "network.doors",
        "spark-2",
        "a firewall rejects",
        allow=("open-firewall",),
        breaks={"spark-1": "iptables -A INPUT -i en+ -p tcp --dport 2377 -j REJECT"},
    ),
    Fault(
        "gid-index-pinned",
        "a file pins the GID index that NCCL uses",
        "rdma.gid_index",
        "spark-1",
        "points elsewhere",
        breaks={"spark-1": "echo 'NCCL_IB_GID_INDEX=3' >>/etc/environment"},
    ),
)
