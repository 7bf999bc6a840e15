"""Which way NCCL chose between the nodes, from its own log (NCCL_DEBUG=INFO)."""

import re
from dataclasses import dataclass

_NETWORK = re.compile(r"NCCL INFO (?:.*\b)?Using network (\S+)")
_ADAPTERS = re.compile(r"\[\d+\]([\w.-]+):\d+/(?:RoCE|IB)")
_INTERFACES = re.compile(r"NET/Socket : Using (.*)")


@dataclass(frozen=True)
class Transport:
    """`network` is `IB`, `Socket`, or what a plug-in calls itself; `over` the adapters or interfaces it uses."""

    network: str
    over: tuple[str, ...]
    no_device: bool
    """Whether NCCL looked for RDMA devices and found none."""

    def __str__(self) -> str:
        """Write it as NCCL does."""
        return f"NET/{self.network}" + (f" over {', '.join(self.over)}" if self.over else "")


def parse_transport(log: str) -> Transport | None:
    """Read the log of one rank; None where NCCL said nothing of a network, as on CPUs."""
    adapters = tuple(dict.fromkeys(_ADAPTERS.findall(log)))
    chosen = _NETWORK.search(log)
    sockets = _INTERFACES.search(log)
    if chosen is None and not adapters and sockets is None:
        return None
    network = chosen[1] if chosen else ("IB" if adapters else "Socket")
    if network == "Socket":
        over = tuple(dict.fromkeys(re.findall(r"\[\d+\]([^:\s]+):", sockets[1]))) if sockets else ()
    else:
        over = adapters
    return Transport(network, over, "NET/IB : No device found" in log)
