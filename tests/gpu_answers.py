"""What tools say of GPUs: recorded on an H100, with changes; of a GB10 as the lab's stand-in says it."""

import re
from pathlib import Path
from typing import Any

from cluster.facts.base import Reading
from lab.standins import nvidia_smi
from lab.standins.hardware import parse
from tests.lab_unit.hardware_sample import state

H100 = Path(__file__).parent / "data" / "h100"
UUID = "GPU-11111111-2222-3333-4444-555555555555"
PLACE = "0000:00:06.0"
BUS = f"{PLACE} 0302: 10de:2330 (rev a1)\n\tSubsystem: 10de:16c1\n\tKernel driver in use: nvidia\n"
MEMORY = "MemTotal:       131891160 kB\nMemAvailable:   129000000 kB\n"
LIBRARIES = "/usr/lib/x86_64-linux-gnu/libcuda.so.580.159.04\n/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.159.04\n"
LOG = (H100 / "dmesg-nvrm.txt").read_text(encoding="utf-8")


def smi(when: str = "idle", *, uuid: str = UUID, listing: str = "", **changed: str) -> str:
    """What nvidia-smi said on an H100 that was `idle`, `under-load` or `holding-memory`, some elements changed."""
    log = (H100 / f"nvidia-smi-q-x-{when}.xml").read_text(encoding="utf-8")
    for name, value in changed.items():
        log, count = re.subn(rf"(<(?:\w+_)?{name}>)[^<]*(</)", rf"\g<1>{value}\g<2>", log)
        assert count, f"the recorded output has no {name}"
    said = (H100 / "nvidia-smi-L.txt").read_text(encoding="utf-8") + listing + log + "exit 0\n"
    return said.replace(UUID, uuid)


def smi_of_spark(**gpu: object) -> str:
    """What it says on a DGX Spark, its GPU changed as the lab's state file has it."""
    return _smi_of(state(gpu=gpu))


def smi_of_sparks(*uuids: str) -> str:
    """What it says on a machine with so many of a Spark's GPUs."""
    several = state()
    several["gpus"] = [
        several["gpus"][0] | {"uuid": uuid, "bus_id": f"0000000{n}:01:00.0"} for n, uuid in enumerate(uuids)
    ]
    return _smi_of(several)


def _smi_of(hardware: dict[str, Any]) -> str:
    listing, _ = nvidia_smi.answer(["-L"], parse(hardware))
    log, _ = nvidia_smi.answer(["-q", "-x"], parse(hardware))
    return f"{listing}\n{log}\nexit 0\n"


def broken(words: str, status: int) -> str:
    """What it says when it cannot work."""
    return f"{words}\nexit {status}\n"


def healthy(said: str | None = None) -> dict[str, str | Reading]:
    """The answers of a node with a healthy H100; `said` is nvidia-smi's part of them."""
    return {
        "smi": said or smi(),
        "bus": BUS,
        "module": "580.159.04\n",
        "libraries": LIBRARIES,
        "users": "    1 root\n  595 nvidia\n",
        "memory": MEMORY,
        "in_container": "no\n",
        "xids": "5000.25\n",
    }
