"""Step 4: GPUs that break, and drivers."""

from typing import Final

from lab.faults.fault import PERSON, Fault
from lab.faults.shell import driver, gpu


def _broken(name: str, story: str, check: str, cause: str, command: str, *, warns: bool = False) -> Fault:
    return Fault(name, story, check, "spark-2", cause, PERSON, warns=warns, breaks={"spark-2": command})


def _says(name: str, story: str, check: str, cause: str, **says: str) -> Fault:
    told = {path.replace("__", "/"): value for path, value in says.items()}
    return _broken(name, story, check, cause, gpu(says=told))


FAULTS: Final = (
    _broken("smi-hangs", "nvidia-smi hangs", "gpu.answers", "nvidia-smi hangs", gpu(state="hang")),
    _broken("gpu-lost", "a GPU fell off the bus", "gpu.answers", "a GPU has fallen off the bus", gpu(state="lost")),
    _broken(
        "driver-updated",
        "the driver was updated without a reboot",
        "gpu.answers",
        "the driver was updated without a reboot",
        driver(state="mismatch"),
    ),
    _broken(
        "driver-not-loaded",
        "the driver is not loaded",
        "gpu.answers",
        "the driver is not loaded",
        driver(state="unloaded"),
    ),
    _broken("nouveau", "nouveau holds the GPU", "gpu.answers", "nouveau holds the GPU", driver(state="nouveau")),
    _broken("driver-missing", "there is no driver", "gpu.answers", "has no driver", driver(state="missing")),
    _broken(
        "gpu-not-started",
        "the driver could not start the GPU",
        "gpu.present",
        "the driver could not start the GPU",
        gpu(state="unseen"),
    ),
    _broken(
        "xid",
        "the kernel has told of a GPU that failed",
        "gpu.xid",
        "XID 79",
        gpu(xid=["79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."]),
    ),
    _broken("gpu-hot", "a GPU is too hot", "gpu.cool", "it will slow itself down", gpu(temperature=91)),
    _broken(
        "gpu-in-use",
        "a forgotten program holds memory of the GPU",
        "gpu.unused",
        "python3",
        gpu(processes=[{"pid": "1", "type": "C", "process_name": "python3", "used_memory": "517 MiB"}]),
        warns=True,
    ),
    _says(
        "gpu-needs-reset",
        "the driver asks for a reset",
        "gpu.sound",
        "works again only when this was done",
        gpu_recovery_action="Reset",
    ),
    _says(
        "ecc",
        "memory of a GPU failed",
        "gpu.ecc",
        "what was computed since may be wrong",
        ecc_errors__volatile__dram_uncorrectable="2",
    ),
    _says(
        "row-pending",
        "a row of memory waits for its replacement",
        "gpu.remap",
        "memory of the GPU is wearing out",
        remapped_rows__remapped_row_pending="Yes",
    ),
    _says(
        "gpu-slowed",
        "heat slows a GPU down",
        "gpu.unhindered",
        "held back before there is any work",
        clocks_event_reasons__clocks_event_reason_hw_thermal_slowdown="Active",
    ),
    _says(
        "gpu-prohibited",
        "a GPU takes no program",
        "gpu.compute_allowed",
        "its compute mode refuses every program",
        compute_mode="Prohibited",
    ),
    _says(
        "mig-without-devices",
        "a GPU in MIG mode has no MIG device",
        "gpu.mig",
        "MIG is on and no device was made",
        mig_mode__current_mig="Enabled",
    ),
    Fault(
        "driver-differs",
        "one node has another driver",
        "gpu.same_driver",
        None,
        "may not work across different drivers",
        PERSON,
        breaks={"spark-2": driver(version="575.57.08")},
    ),
)
