"""GPUs that break in the lab: each check names its own fault, and what rests on a GPU that is gone is blocked by it."""

import json
from typing import Any

import pytest

from tests.e2e.lab import Lab, Result

pytestmark = pytest.mark.lab

STATE = "/etc/spark-lab/hardware.json"
UNWELL = {
    "temperature": 91,
    "xid": ["79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."],
    "processes": [{"pid": "1", "type": "C", "process_name": "python3", "used_memory": "517 MiB"}],
    "says": {
        "gpu_recovery_action": "Reset",
        "ecc_errors/volatile/dram_uncorrectable": "2",
        "remapped_rows/remapped_row_pending": "Yes",
        "clocks_event_reasons/clocks_event_reason_hw_thermal_slowdown": "Active",
        "compute_mode": "Prohibited",
        "mig_mode/current_mig": "Enabled",
        "fabric/state": "In Progress",
    },
}
TOLD = {"gpu.xid", "gpu.sound", "gpu.ecc", "gpu.remap", "gpu.unhindered", "gpu.cool", "gpu.compute_allowed", "gpu.mig",
        "gpu.fabric"}  # fmt: skip


def break_it(lab: Lab, *, gpu: dict[str, Any] | None = None, driver: dict[str, Any] | None = None) -> Result:
    """Break the hardware of spark-2 and check step 4."""
    hardware = json.loads(lab.on("spark-2", f"cat {STATE}"))
    whole = json.dumps(hardware)
    hardware["gpus"][0] |= gpu or {}
    hardware["driver"] |= driver or {}
    lab.on("spark-2", f"cat >{STATE} <<'END'\n{json.dumps(hardware)}\nEND")
    try:
        return lab.runbook("-k", "test_04_gpu")
    finally:
        lab.on("spark-2", f"cat >{STATE} <<'END'\n{whole}\nEND")


def of_spark_2(run: Result, outcome: str) -> dict[str, str]:
    return {
        one["id"]: one["cause"] for one in run.report["checks"] if (one["node"], one["outcome"]) == ("spark-2", outcome)
    }


def test_a_gpu_that_is_unwell_is_told_fault_by_fault(ready: Lab) -> None:
    run = break_it(ready, gpu=UNWELL)
    failed = of_spark_2(run, "failed")
    assert set(failed) >= TOLD
    assert failed["gpu.xid"].startswith("XID 79: the GPU has fallen off the bus: power the node off for a minute")
    warnings = {one["id"]: one["warning"] for one in run.report["checks"] if one["warning"]}
    assert warnings["gpu.unused"] == "517 MiB of GPU 0 by python3, process 1 of root"
    assert [one for one in run.with_outcome("failed", "unknown") if one.endswith("spark-1")] == []


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"gpu": {"state": "hang"}}, "nvidia-smi hangs"),
        ({"gpu": {"state": "lost"}}, "a GPU has fallen off the bus"),
        ({"driver": {"state": "mismatch"}}, "the driver was updated without a reboot"),
        ({"driver": {"state": "unloaded"}}, "the driver is not loaded"),
        ({"driver": {"state": "nouveau"}}, "nouveau holds the GPU"),
        ({"driver": {"state": "missing"}}, "the GPU at 000f:01:00.0 has no driver"),
    ],
)
def test_an_nvidia_smi_that_does_not_work_is_the_one_cause(
    ready: Lab, fault: dict[str, dict[str, Any]], cause: str
) -> None:
    run = break_it(ready, **fault)
    failed = of_spark_2(run, "failed")
    assert list(failed) == ["gpu.answers"]
    assert failed["gpu.answers"].startswith(cause)
    assert of_spark_2(run, "unknown") == {}
    assert "gpu.cool" in of_spark_2(run, "blocked")


def test_a_gpu_that_the_driver_could_not_start_is_missed(ready: Lab) -> None:
    failed = of_spark_2(break_it(ready, gpu={"state": "unseen"}), "failed")
    assert failed == {
        "gpu.present": "the driver could not start the GPU at 000f:01:00.0: dmesg says why, after NVRM",
    }
