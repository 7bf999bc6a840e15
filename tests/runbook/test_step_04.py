"""Step 4 on recorded output: each check fails for its own reason, in words, and takes nothing healthy for a fault."""

from collections.abc import Callable

import pytest

from cluster.facts.base import Reading
from cluster.facts.docker import DockerFacts
from cluster.facts.gpu import GpuFacts
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_04_gpu as step_04
from runbook import test_04_gpu_advertising as advertising
from runbook import test_05_swarm as step_05
from runbook import test_07_container as step_07
from tests.gpu_answers import BUS, PLACE, broken, healthy, smi, smi_of_spark, smi_of_sparks
from tests.runbook.recorded import Recorded

CHECKS = [check for name, check in vars(step_04).items() if name.startswith("test_")]
NO_GPU = {"smi": broken("timeout: failed to run command 'nvidia-smi': No such file or directory", 127), "bus": ""}


@pytest.fixture
def h100(recorded: Callable[..., Recorded]) -> Recorded:
    """Two nodes with a healthy H100 each."""
    cluster = recorded()
    cluster.said(GpuFacts, "spark-1", **healthy())
    cluster.said(GpuFacts, "spark-2", **healthy(smi(uuid="GPU-2")))
    return cluster


@pytest.fixture
def sparks(recorded: Callable[..., Recorded]) -> Recorded:
    """Two healthy Sparks: their GPU has no memory of its own, no limits and no PCIe to speak of."""
    cluster = recorded()
    for number, name in enumerate(("spark-1", "spark-2")):
        told = healthy(smi_of_spark(uuid=f"GPU-{number}"))
        told |= {"bus": "000f:01:00.0 0300: 10de:2e12 (rev a1)\n\tKernel driver in use: nvidia\n"}
        cluster.said(GpuFacts, name, **told | {"module": "580.178.04\n", "libraries": ""})
    return cluster


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


NOT_ON_AN_H100: dict[Callable[..., object], str] = {
    step_04.test_mig_gpu_is_divided: "no GPU here is in MIG mode",
    step_04.test_gpu_has_joined_its_switches: "no GPU here hangs on NVLink switches",
}
NOT_ON_A_SPARK = NOT_ON_AN_H100 | {
    step_04.test_gpu_memory_is_sound: "no GPU here counts memory errors",
    step_04.test_gpu_memory_is_remapped: "no GPU here replaces rows of its memory",
    step_04.test_gpu_has_all_its_lanes: "no GPU here tells of a PCIe link",
    step_04.test_gpu_may_draw_its_power: "no GPU here has a power limit",
    step_04.test_gpu_stays_ready: "no GPU here has a persistence mode",
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_healthy_h100_passes_without_a_word(h100: Recorded, check: Callable[..., object]) -> None:
    verdict, without = judge(h100, check), NOT_ON_AN_H100.get(check)
    expected = Outcome.SKIPPED if without else Outcome.PASSED
    assert (verdict.outcome, verdict.warning, verdict.cause) == (expected, None, without)


@pytest.mark.parametrize("check", CHECKS)
def test_a_healthy_spark_passes_or_has_nothing_to_be_asked(sparks: Recorded, check: Callable[..., object]) -> None:
    verdict, without = judge(sparks, check), NOT_ON_A_SPARK.get(check)
    expected = Outcome.SKIPPED if without else Outcome.PASSED
    assert (verdict.outcome, verdict.warning, verdict.cause) == (expected, None, without)


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (NO_GPU, "there is no NVIDIA GPU on the PCI bus, and no driver: this machine has none, or it sits loose"),
        (NO_GPU | {"bus": f"{PLACE} 0302: 10de:2330 (rev a1)\n"},
         f"the GPU at {PLACE} has no driver: nvidia-smi is not installed; install NVIDIA's driver"),
        (NO_GPU | {"bus": BUS.replace("nvidia", "nouveau")},
         "nouveau holds the GPU: install NVIDIA's driver, which shuts nouveau out, and reboot"),
        ({"smi": broken("", 124)},
         "nvidia-smi hangs: a GPU or its driver is stuck; power the node off, since a reboot may hang as well"),
        ({"smi": Reading("smi", 124, "", "", "it did not end within 45 s")},
         "nvidia-smi hangs: a GPU or its driver is stuck; power the node off, since a reboot may hang as well"),
        ({"smi": broken("Failed to initialize NVML: Driver/library version mismatch", 18), "module": "580.95.05"},
         "the driver was updated without a reboot (kernel module: 580.95.05, libcuda: 580.159.04, libnvidia-ml: "
         "580.159.04): reboot"),
        ({"smi": broken("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9)},
         "the driver is not loaded: it may not have been built for a new kernel (`dkms status`), or secure boot "
         "refuses it (`mokutil --sb-state`); `sudo modprobe nvidia` tells which"),
        ({"smi": broken("Unable to determine the device handle for GPU0: GPU is lost.  Reboot the system", 15)},
         "a GPU has fallen off the bus: Unable to determine the device handle for GPU0: GPU is lost.  Reboot the "
         "system; power the node off for a minute, then reseat or replace it"),
        ({"smi": broken("Unable to determine the device handle for GPU0000:0F:00.0: Unknown Error", 15)},
         "a GPU has fallen off the bus: Unable to determine the device handle for GPU0000:0F:00.0: Unknown Error; "
         "power the node off for a minute, then reseat or replace it"),
        ({"smi": broken("Failed to initialize NVML: Unknown Error", 255)},
         "the driver's devices are out of reach: a container loses them by a daemon-reload, and has to be made anew"),
        ({"smi": broken("Unable to query GPU 0: GPU requires reset", 15)},
         "a GPU waits for a reset after an error: end what runs on it, and reboot the node"),
        ({"smi": broken("No devices were found", 6)},
         f"the driver could not start the GPU at {PLACE}: dmesg says why, after NVRM"),
        ({"smi": broken("Failed to initialize NVML: Insufficient Permissions", 4)},
         "nvidia-smi says: Failed to initialize NVML: Insufficient Permissions"),
    ],
)  # fmt: skip
def test_why_nvidia_smi_does_not_work(h100: Recorded, told: dict[str, str | Reading], cause: str) -> None:
    h100.said(GpuFacts, "spark-2", **told)
    verdict = judge(h100, step_04.test_nvidia_smi_works)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_the_rest_is_blocked_by_an_nvidia_smi_that_hangs_instead_of_being_unknown(h100: Recorded) -> None:
    h100.said(GpuFacts, "spark-2", smi=broken("", 124))
    judge(h100, step_04.test_nvidia_smi_works)
    verdicts = [judge(h100, step_04.test_gpu_is_there), judge(h100, step_04.test_gpu_is_cool)]
    assert [(one.outcome, one.blocked_by) for one in verdicts] == [
        (Outcome.BLOCKED, ["gpu.answers"]),
        (Outcome.BLOCKED, ["gpu.present"]),
    ]


MISSED = broken("GPU 0: x (UUID: GPU-1)\n<?xml version='1.0'?><nvidia_smi_log/>\n", 0)
OTHER = BUS.replace("00:06.0", "00:07.0")
OTHER_ON_BUS = BUS + OTHER
ONE_UNWELL = [
    (step_04.test_gpu_is_there, {"smi": MISSED},
     f"the driver could not start the GPU at {PLACE}: dmesg says why, after NVRM"),
    (step_04.test_gpu_is_there, {"smi": MISSED, "bus": ""}, "neither the driver nor the PCI bus shows a GPU"),
    (step_04.test_gpu_is_there, {"smi": smi(product_name="GPU is lost")},
     "the driver has lost the GPU: power the node off for a minute, then reseat or replace it"),
    (step_04.test_no_gpu_is_missing, {"bus": OTHER_ON_BUS},
     "the driver could not start the GPU at 0000:00:07.0: dmesg says why, after NVRM"),
    (step_04.test_no_gpu_is_missing, {"bus": BUS + OTHER.replace("rev a1", "rev ff")},
     "the GPU at 0000:00:07.0 has fallen off the bus"),
    (step_04.test_no_gpu_is_missing, {"bus": BUS + OTHER.replace("nvidia", "nouveau")},
     "the GPU at 0000:00:07.0 is held by nouveau"),
    (step_04.test_no_gpu_is_missing, {"smi": smi_of_sparks("GPU-1", "GPU-2"), "bus": BUS.replace("00:06", "01:00")},
     "nvidia-smi shows a GPU that the bus does not"),
    (step_04.test_driver_is_of_one_version, {"module": "580.95.05\n"},
     "the driver was updated without a reboot (nvidia-smi: 580.159.04, kernel module: 580.95.05, libcuda: 580.159.04, "
     "libnvidia-ml: 580.159.04): reboot"),
    (step_04.test_kernel_log_tells_of_no_gpu_fault,
     {"xids": "5000.5\n[ 4990.5] NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen off the bus.\n"},
     "XID 79: the GPU has fallen off the bus: power the node off for a minute; if the error comes back, reseat the "
     "card or have it replaced"),
    (step_04.test_gpu_wants_no_recovery, {"smi": smi(gpu_recovery_action="Reset")},
     "after an error the GPU works again only when this was done"),
    (step_04.test_gpu_memory_is_sound, {"smi": smi(dram_uncorrectable="2")},
     "what was computed since may be wrong: a program would have been ended"),
    (step_04.test_gpu_memory_is_remapped, {"smi": smi(remapped_row_pending="Yes")}, "memory of the GPU is wearing out"),
    (step_04.test_gpu_memory_is_remapped, {"smi": smi(remapped_row_failure="Yes")}, "memory of the GPU is wearing out"),
    (step_04.test_gpu_is_not_slowed_down, {"smi": smi(clocks_event_reason_hw_thermal_slowdown="Active")},
     "it is held back before there is any work"),
    (step_04.test_gpu_is_cool, {"smi": smi(gpu_temp="91 C")}, "it will slow itself down"),
    (step_04.test_gpu_lets_programs_compute, {"smi": smi(compute_mode="Prohibited")},
     "its compute mode refuses every program"),
    (step_04.test_mig_gpu_is_divided, {"smi": smi(current_mig="Enabled")},
     "MIG is on and no device was made: CUDA finds nothing"),
    (step_04.test_gpu_has_joined_its_switches, {"smi": smi().replace("<state>N/A", "<state>In Progress")},
     "CUDA would fail with error 802, system not yet initialized"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "told", "cause"), ONE_UNWELL)
def test_what_is_wrong_with_a_gpu(
    h100: Recorded, check: Callable[..., object], told: dict[str, str | Reading], cause: str
) -> None:
    h100.said(GpuFacts, "spark-2", **told)
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


WORTH_A_WORD = [
    (step_04.test_kernel_log_tells_of_nothing_strange,
     {"xids": "5000.5\n[ 4700.5] NVRM: Xid (PCI:0000:00:06): 143, strange\n"},
     "XID 143 of the GPU at 0000:00:06: 5 min ago"),
    (step_04.test_gpu_has_all_its_lanes, {"smi": smi(current_link_width="4x")}, "GPU 0: 4 of 16 lanes"),
    (step_04.test_gpu_may_draw_its_power, {"smi": smi(current_power_limit="300.00 W")}, "GPU 0: 300 of 700 W"),
    (step_04.test_gpu_takes_several_programs, {"smi": smi(compute_mode="Exclusive_Process")},
     "GPU 0: Exclusive_Process"),
    (step_04.test_gpu_is_held_by_nobody, {"smi": smi("holding-memory")},
     "1634 MiB of GPU 0 by python3, process 595 of nvidia"),
    (step_04.test_gpu_is_held_by_nobody, {"smi": smi(used="40000 MiB")},
     "40000 MiB of GPU 0, by a process that is not to be seen from here"),
    (step_04.test_gpu_memory_is_free, {"smi": smi(used="60000 MiB")}, "26.4"),
    (step_04.test_gpu_stays_ready, {"smi": smi(persistence_mode="Disabled")}, "GPU 0: off"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "told", "found"), WORTH_A_WORD)
def test_what_is_worth_a_word_and_costs_no_readiness(
    h100: Recorded, check: Callable[..., object], told: dict[str, str | Reading], found: str
) -> None:
    h100.said(GpuFacts, "spark-2", **told)
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, found)
    assert verdict.warning


@pytest.mark.parametrize(
    ("check", "told", "reason"),
    [
        (step_04.test_no_gpu_is_missing, {"bus": ""}, "the GPUs of this machine are on no PCI bus that it shows"),
        (step_04.test_no_gpu_is_missing, {"bus": OTHER_ON_BUS, "in_container": "yes\n"},
         "a container sees only the GPUs that it was given"),
        (step_04.test_driver_is_of_one_version, {"module": "", "libraries": ""},
         "only nvidia-smi tells a version here"),
        (step_04.test_gpu_is_cool, {"smi": smi(gpu_temp="N/A")}, "no GPU here tells its temperature"),
        (step_04.test_gpu_memory_is_sound,
         {"smi": smi(sram_uncorrectable_parity="N/A", sram_uncorrectable_secded="N/A", dram_uncorrectable="N/A")},
         "no GPU here counts memory errors"),
        (step_04.test_gpu_memory_is_free, {"smi": smi(used="N/A")}, "no GPU here tells how much of its memory is used"),
        (step_04.test_kernel_log_tells_of_no_gpu_fault, NO_GPU, "there is no NVIDIA GPU here"),
        (step_04.test_gpu_lets_programs_compute, {"smi": smi(compute_mode="N/A")},
         "no GPU here tells its compute mode"),
        (step_04.test_gpu_takes_several_programs, {"smi": smi(compute_mode="N/A")},
         "no GPU here tells its compute mode"),
        (step_04.test_gpu_wants_no_recovery, {"smi": smi(gpu_recovery_action="N/A")},
         "no GPU here tells what recovery it wants"),
        (step_04.test_gpu_is_not_slowed_down,
         {"smi": smi(hw_slowdown="N/A", hw_thermal_slowdown="N/A", hw_power_brake_slowdown="N/A",
                     sw_thermal_slowdown="N/A")},
         "no GPU here tells what slows it down"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_here_is_skipped_with_the_reason(
    h100: Recorded, check: Callable[..., object], told: dict[str, str | Reading], reason: str
) -> None:
    h100.said(GpuFacts, "spark-2", **told)
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, reason)


NOT_HELD_AGAINST_IT = [
    (step_04.test_kernel_log_tells_of_no_gpu_fault, {"xids": "9000.5\n[ 100.5] NVRM: Xid (PCI:0): 79, old\n"}),
    (step_04.test_kernel_log_tells_of_no_gpu_fault, {"xids": "90.5\n[ 80.5] NVRM: Xid (PCI:0): 31, a fault\n"}),
    (step_04.test_kernel_log_tells_of_nothing_strange, {"xids": "90.5\n[ 80.5] NVRM: Xid (PCI:0): 13, a fault\n"}),
    (step_04.test_no_gpu_is_missing, {"bus": BUS + OTHER.replace("nvidia", "vfio-pci")}),
    (step_04.test_gpu_is_held_by_nobody, {"smi": smi("holding-memory").replace("<type>C<", "<type>G<")}),
    (step_04.test_gpu_has_joined_its_switches,
     {"smi": smi().replace("<state>N/A", "<state>Completed").replace("<status>N/A", "<status>Success")}),
    (step_04.test_mig_gpu_is_divided,
     {"smi": smi(current_mig="Enabled", listing="  MIG 1g.10gb     Device  0: (UUID: MIG-a)\n")}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "told"), NOT_HELD_AGAINST_IT)
def test_what_looks_wrong_and_is_not(
    h100: Recorded, check: Callable[..., object], told: dict[str, str | Reading]
) -> None:
    h100.said(GpuFacts, "spark-2", **told)
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.warning) == (Outcome.PASSED, None)


def test_another_driver_on_one_node(h100: Recorded) -> None:
    h100.said(GpuFacts, "spark-2", smi=smi(driver_version="580.95.05"))
    verdict = judge(h100, step_04.test_gpu_driver_is_the_same)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "spark-1: 580.159.04; spark-2: 580.95.05")


def test_another_gpu_on_one_node_is_worth_a_word(h100: Recorded) -> None:
    h100.said(GpuFacts, "spark-2", smi=smi_of_spark())
    verdict = judge(h100, step_04.test_gpu_kind_is_the_same)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "spark-1: NVIDIA H100 80GB HBM3; spark-2: NVIDIA GB10")
    assert verdict.warning


def test_two_nodes_with_one_gpu(h100: Recorded) -> None:
    h100.said(GpuFacts, "spark-2", smi=smi())
    verdict = judge(h100, step_04.test_gpus_are_distinct)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "one UUID is on two nodes")


def test_without_an_inventory_a_machine_that_has_no_docker_offers_nothing(h100: Recorded) -> None:
    h100.cluster.inventory = h100.cluster.inventory.model_copy(update={"local": True})
    h100.said(DockerFacts, program="")
    of_docker = [check for name, check in vars(advertising).items() if name.startswith("test_")]
    for check in (*of_docker, step_05.test_node_offers_its_own_gpu, step_07.test_container_was_given_its_own_gpu):
        verdict = judge(h100, check)
        assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "this machine has no Docker")


def test_mig_devices_are_what_is_offered_in_place_of_their_gpu(h100: Recorded) -> None:
    listing = "  MIG 1g.10gb     Device  0: (UUID: MIG-a)\n"
    h100.said(GpuFacts, "spark-2", smi=smi(current_mig="Enabled", listing=listing))
    assert h100.cluster["spark-2"].gpu.uuids == ("MIG-a",)
