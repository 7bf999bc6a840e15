"""A node's state file, as the lab writes it but for the UUID."""

import json
from pathlib import Path
from typing import Any

from lab.standins.hardware import Hardware, parse

UUID = "GPU-e69daebb-45de-2588-13c3-3f623ae44eaa"
SHIPPED = Path(__file__).parents[2] / "lab" / "standins" / "hardware.json"


def state(*, gpu: dict[str, Any] | None = None, driver: dict[str, Any] | None = None) -> dict[str, Any]:
    """The state, with some fields of its GPU or driver changed."""
    shipped: dict[str, Any] = json.loads(SHIPPED.read_text())
    shipped["gpus"][0].update({"uuid": UUID, **(gpu or {})})
    shipped["driver"].update(driver or {})
    return shipped


def hardware(*, gpu: dict[str, Any] | None = None, driver: dict[str, Any] | None = None) -> Hardware:
    """The same as stand-ins see it."""
    return parse(state(gpu=gpu, driver=driver))
