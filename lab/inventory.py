"""The inventory of the running lab: all that the suite knows of it."""

import yaml

from lab import image
from lab.boot import PACKAGES_IN_NODE
from lab.control import NOT_RUNNING
from lab.errors import LabError
from lab.places import RunDir, is_running
from lab.settings import Settings, read_settings

SIMULATED_GPUS = "GPU: GB10 stand-in, no CUDA"
SIMULATED_BESIDE_GPUS = "GPU: real; stand-ins for the container toolkit, lspci and the kernel log"
SIMULATED_FABRIC = "ConnectX-7: virtual Ethernet cables, no RDMA"


def inventory(run: RunDir, settings: Settings) -> str:
    """The inventory of a lab, as YAML."""
    return yaml.safe_dump(
        {
            "name": "lab",
            "nodes": [{"name": name, "address": settings.address(name)} for name in settings.names],
            "ssh": {"user": "nvidia", "key": str(run.key), "known_hosts": str(run.known_hosts)},
            "image": {"name": image.NAME, "archive": str(image.archive())},
            "mounts": [{"source": PACKAGES_IN_NODE, "target": image.PACKAGES_PATH, "read_only": True}],
            # Virtual cables are as fast as the host has time for them.
            "thresholds": {"tcp_gbps": 0.05, "ping_ms": 100.0, "collective_gb_per_s": 0.001},
            "device": "cuda" if settings.gpus == "real" else "cpu",
            "simulated": [SIMULATED_BESIDE_GPUS if settings.gpus == "real" else SIMULATED_GPUS, SIMULATED_FABRIC],
        },
        sort_keys=False,
        # Long paths stay on their line.
        width=4096,
    )


def running_inventory(run: RunDir) -> str:
    """The inventory of the lab that is running.

    Raises:
        LabError: if none is.
    """
    if not is_running(run):
        raise LabError(NOT_RUNNING)
    return inventory(run, read_settings(run))
