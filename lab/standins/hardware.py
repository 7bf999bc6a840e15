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

from __future__ import annotations

import json
import sys

# A run asks the stand-ins dozens of times, and each is a process of its own: typing, pathlib and dataclasses would
# double its start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

STATE = "/var/lib/spark-lab/hardware.json"


class Driver:
    """The NVIDIA driver; see the module for its states."""

    def __init__(self, version: str, cuda: str, state: str) -> None:
        """Take what the state file says."""
        self.version = version
        self.cuda = cuda
        self.state = state


class Gpu:
    """One GPU; see the module for its states."""

    def __init__(  # noqa: PLR0913, PLR0917 - one for each key of the state file
        self,
        name: str,
        uuid: str,
        bus_id: str,
        temperature: int,
        state: str,
        xid: tuple[str, ...],
        says: Mapping[str, str] | None = None,
        processes: tuple[dict[str, str], ...] = (),
        mig: tuple[str, ...] = (),
        devices: tuple[str, ...] = (),
    ) -> None:
        """Take what the state file says."""
        self.name = name
        self.uuid = uuid
        self.bus_id = bus_id
        self.temperature = temperature
        self.state = state
        self.xid = xid
        self.says = says or {}
        self.processes = processes
        self.mig = mig
        self.devices = devices


class Port:
    """One logical interface of the ConnectX-7."""

    def __init__(self, rdma: str, speed: int, crc_errors: int, state: str) -> None:
        """Take what the state file says."""
        self.rdma = rdma
        self.speed = speed
        self.crc_errors = crc_errors
        self.state = state


class Hardware:
    """All simulated hardware of a node."""

    def __init__(self, driver: Driver, toolkit: str, gpus: tuple[Gpu, ...], ports: dict[str, Port]) -> None:
        """Put its parts together."""
        self.driver = driver
        self.toolkit = toolkit
        self.gpus = gpus
        self.ports = ports


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


def read(path: str) -> str:
    """The text of a file.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - see above
        return stream.read()


def load() -> Hardware:
    """Read this node's state file; a broken one ends the stand-in with status 70, as no real tool ends."""
    try:
        return parse(json.loads(read(STATE)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{STATE} cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(70)
