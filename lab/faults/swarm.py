"""Step 5: members that leave, are told not to work, or belong elsewhere."""

from typing import Final

from lab.faults.fault import Fault

LEAVE: Final = "docker swarm leave --force"

FAULTS: Final = (
    Fault(
        "left-swarm",
        "a node left the swarm",
        "swarm.joined",
        "spark-2",
        "spark-2 is in no swarm",
        also=("swarm.address",),
        breaks={"spark-2": LEAVE},
    ),
    Fault(
        "another-swarm",
        "a node is in another swarm",
        "swarm.joined",
        "spark-2",
        "spark-2 is in the swarm led by 192.168.100.2",
        allow=("leave-swarm",),
        breaks={"spark-2": f"{LEAVE}; docker swarm init --advertise-addr 192.168.100.2"},
    ),
    Fault(
        "drained",
        "a node was drained, and takes no tasks",
        "swarm.active",
        "spark-2",
        "somebody has drained or paused it",
        allow=("activate-node",),
        breaks={"spark-1": "docker node update --availability drain spark-2"},
    ),
    Fault(
        "paused",
        "a node was paused, and takes no new tasks",
        "swarm.active",
        "spark-2",
        "somebody has drained or paused it",
        allow=("activate-node",),
        breaks={"spark-1": "docker node update --availability pause spark-2"},
    ),
    Fault(
        "manager-left",
        "the manager left its swarm, and the worker is in one that nobody leads",
        "swarm.initialised",
        None,
        "spark-1 is in no swarm",
        allow=("leave-swarm",),
        also=("swarm.manager_address", "swarm.joined", "stack.deployed"),
        breaks={"spark-1": LEAVE},
    ),
    Fault(
        "swarm-on-management",
        "the swarm was begun on the management network",
        "swarm.manager_address",
        None,
        "is the address of enP7s7",
        allow=("leave-swarm",),
        also=("swarm.joined", "stack.deployed", "swarm.address"),
        breaks={
            "spark-2": LEAVE,
            "spark-1": f"{LEAVE}; docker swarm init --advertise-addr enP7s7",
        },
    ),
)
