"""Which subjects each step asks about, so that they can be read while the checks before are judged."""

from collections.abc import Iterable, Iterator

from cluster.facts.adapter import AdapterFacts
from cluster.facts.config import ConfigFacts
from cluster.facts.container import ContainerFacts, InsideFacts
from cluster.facts.daemon import DaemonFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.doors import DoorFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.logins import LoginFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.netplan import NetplanFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.rdma import RdmaFacts
from cluster.facts.resources import ResourceFacts
from cluster.facts.ssh import SshFacts
from cluster.facts.stack import StackFacts
from cluster.facts.state import StateFacts
from cluster.facts.swarm import SwarmFacts
from cluster.facts.toolkit import ToolkitFacts
from cluster.read_ahead import Round

# Not the clock: what it shows is the better the less else is going on. What may wait long for others (pings, logins)
# goes alone, so that nothing waits for it.
_ROUNDS: dict[int, tuple[Round, ...]] = {
    1: (
        (NetworkFacts,),
        (MeshFacts,),
        (NetplanFacts, AdapterFacts, RdmaFacts, MachineFacts, ResourceFacts),
        (SshFacts, DoorFacts),
        (LoginFacts,),
    ),
    2: ((DockerFacts, DaemonFacts),),
    3: ((ToolkitFacts,),),
    4: ((GpuFacts,),),
    5: ((SwarmFacts,),),
    6: ((StackFacts,),),
    7: ((ContainerFacts,), (InsideFacts,)),
    9: ((ConfigFacts,),),
}


def rounds(steps: Iterable[int], *, whole: bool) -> Iterator[Round]:
    """Tell what the checks of some steps ask about, in their order, what is asked in one round trip together.

    A `whole` run keeps what else the nodes are.
    """
    for step in sorted(set(steps)):
        yield from _ROUNDS.get(step, ())
    if whole:
        yield (StateFacts,)
