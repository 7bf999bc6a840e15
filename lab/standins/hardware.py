"""The state file that all stand-ins play from: /var/lib/spark-lab/hardware.json on the node.

Editing that file is breaking the hardware. It holds

    driver   version, cuda (as nvidia-smi prints them), state: ok | mismatch (an update without a reboot) | unloaded |
             nouveau (that one holds the GPU) | missing (no nvidia-smi)
    toolkit  the version of the container toolkit
    gpus     name, uuid, bus_id, temperature (degrees Celsius), xid: kernel messages, in words,
             state: ok | lost | hang | unseen (on the bus, but not for nvidia-smi), and where wanted
             says: what it tells by the path of the element in `nvidia-smi -q -x`, {"compute_mode": "Prohibited"},
             processes: [{"pid": "1", "type": "C", "process_name": "python3", "used_memory": "517 MiB"}],
             mig: the UUIDs of its MIG devices,
             devices: those of a real GPU, that a container gets
    ports    by interface: rdma (its RDMA name), speed (Mb/s), crc_errors (frames that arrived broken since boot),
             state: auto (as the interface is) | Up | Down
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

STATE = Path("/var/lib/spark-lab/hardware.json")


# A run asks the stand-ins dozens of times, and each is a process of its own: dataclasses would double its start.
class Driver(NamedTuple):
    """The NVIDIA driver; see the module for its states."""

    version: str
    cuda: str
    state: str


class Gpu(NamedTuple):
    """One GPU; see the module for its states."""

    name: str
    uuid: str
    bus_id: str
    temperature: int
    state: str
    xid: tuple[str, ...]
    says: Mapping[str, str] = MappingProxyType({})
    processes: tuple[dict[str, str], ...] = ()
    mig: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


class Port(NamedTuple):
    """One logical interface of the ConnectX-7."""

    rdma: str
    speed: int
    crc_errors: int
    state: str


class Hardware(NamedTuple):
    """All simulated hardware of a node."""

    driver: Driver
    toolkit: str
    gpus: tuple[Gpu, ...]
    ports: dict[str, Port]


def parse(state: dict[str, Any]) -> Hardware:
    """Read the state file's object.

    Raises:
        KeyError: if something is missing.
        TypeError: if something is there that is not known.
    """
    return Hardware(
        Driver(**state["driver"]),
        state["toolkit"],
        tuple(Gpu(**{**gpu, "xid": tuple(gpu["xid"])}) for gpu in state["gpus"]),
        {name: Port(**port) for name, port in state["ports"].items()},
    )


def load() -> Hardware:
    """Read this node's state file; a broken one ends the stand-in with status 70, as no real tool ends."""
    try:
        return parse(json.loads(STATE.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{STATE} cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(70)
