"""What a healthy docker answers, for tests to change."""

import json
from typing import Any

from cluster.facts.base import Reading

INFO: dict[str, Any] = {
    "ServerVersion": "28.3.3", "Runtimes": {}, "DefaultRuntime": "runc", "Driver": "overlay2",
    "Architecture": "aarch64",
    "LiveRestoreEnabled": False, "Swarm": {"LocalNodeState": "inactive"},
}  # fmt: skip


def info(**changed: object) -> str:
    """Build what `docker info` prints."""
    return json.dumps(INFO | changed)


def said(out: str = "", err: str = "", exit_status: int = 0) -> Reading:
    """Build a reading with errors and an exit status."""
    return Reading("command", exit_status, out, err)


def settings(*uuids: str, path: str = "nvidia-container-runtime", **more: object) -> str:
    """Build a daemon.json that offers GPUs."""
    return json.dumps(
        {
            "runtimes": {"nvidia": {"path": path, "runtimeArgs": []}},
            "default-runtime": "nvidia",
            "node-generic-resources": [f"NVIDIA_GPU={uuid}" for uuid in uuids],
            **more,
        }
    )
