"""What a container gets of a real GPU: its devices, and the driver that the node itself has mounted."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DRIVER = "/usr/local/nvidia"
SHARED_BY_ALL = 0o666


def with_devices(specification: dict[str, Any], devices: Sequence[str]) -> dict[str, Any]:
    """An OCI specification with these devices in it, and let through to them.

    Args:
        specification: the container's, as dockerd wrote it.
        devices: paths of character devices of the node.

    Raises:
        OSError: if one of them is not there.
    """
    linux = specification.get("linux", {})
    resources = linux.get("resources", {})
    numbers = {path: _numbers(path) for path in devices}
    listed = [{"path": path, "type": "c", **number, "fileMode": SHARED_BY_ALL} for path, number in numbers.items()]
    allowed = [{"allow": True, "type": "c", **number, "access": "rwm"} for number in numbers.values()]
    driver = {"destination": DRIVER, "source": DRIVER, "type": "bind", "options": ["rbind", "ro"]}
    return {
        **specification,
        "mounts": [*specification.get("mounts", []), driver],
        "linux": {
            **linux,
            "devices": [*linux.get("devices", []), *listed],
            "resources": {**resources, "devices": [*resources.get("devices", []), *allowed]},
        },
    }


def _numbers(path: str) -> dict[str, int]:
    number = Path(path).stat().st_rdev
    return {"major": os.major(number), "minor": os.minor(number)}
