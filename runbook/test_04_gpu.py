"""Step 4: every node has its GPU, sound and free."""

from cluster.cluster import SAME, Cluster
from cluster.facts.gpu import ANSWERS
from cluster.node import Node
from engine.check import check, step
from runbook.causes import gpu as why
from runbook.conditions import has_peers
from runbook.found import gpus as found

pytestmark = step(4, "Enable resource advertising")

PRESENT = ("gpu.present",)
REPLACE = "reboot the node; if the error comes back, have the GPU replaced"


@check("gpu.answers", remedy="do what the cause says; `pytest runbook -k gpu` then tells whether it helped")
def test_nvidia_smi_works(node: Node) -> None:
    """nvidia-smi works."""
    assert node.gpu.health == ANSWERS, why.no_answer(node)


@check("gpu.present", needs=("gpu.answers",), remedy="power the node off for a minute; if it stays away, call support")
def test_gpu_is_there(node: Node) -> None:
    """The node has a GPU."""
    assert len(node.gpu.gpus) > 0, why.no_gpu(node)


@check("gpu.complete", needs=PRESENT, remedy="power the node off for a minute; if it stays away, reseat or replace it")
def test_no_gpu_is_missing(node: Node) -> None:
    """nvidia-smi shows every GPU that is on the PCI bus."""
    assert node.gpu.served == found.on_bus(node), why.incomplete(node)


@check("gpu.driver_matches", needs=PRESENT, remedy="reboot the node; if they still differ, reinstall the driver")
def test_driver_is_of_one_version(node: Node) -> None:
    """The driver that is loaded and the libraries that programs load are of one version."""
    assert found.versions(node) == found.driver(node), why.mixed_driver(node)


@check("gpu.same_driver", needs=PRESENT, applies=has_peers, remedy="update the older ones, and reboot them")
def test_gpu_driver_is_the_same(cluster: Cluster) -> None:
    """All nodes have the same driver."""
    assert cluster.drift(found.driver) == SAME, "NCCL and CUDA may not work across different drivers"


@check("gpu.same_kind", needs=PRESENT, applies=has_peers, warns=True, remedy="give a job GPUs of one kind")
def test_gpu_kind_is_the_same(cluster: Cluster) -> None:
    """All nodes have the same GPUs."""
    assert cluster.drift(found.kinds) == SAME, "a job is as fast as its slowest GPU, and as large as its smallest"


@check("gpu.distinct", needs=PRESENT, remedy="find the node that tells another's UUID; was its disk cloned?")
def test_gpus_are_distinct(cluster: Cluster) -> None:
    """No two nodes have the same GPU."""
    assert cluster.repeated(lambda node: node.gpu.uuids) == (), "one UUID is on two nodes"


@check("gpu.xid", needs=("ssh.sudo",), remedy="do what the cause says; NVIDIA's XID catalogue knows more")
def test_kernel_log_tells_of_no_gpu_fault(node: Node) -> None:
    """The kernel's log of the last two hours tells of no GPU that failed."""
    assert found.listed(found.hardware_xids(node)) == {}, why.failed_hardware(found.hardware_xids(node))


@check("gpu.other_xid", needs=("ssh.sudo",), warns=True, remedy="look the code up in NVIDIA's XID catalogue")
def test_kernel_log_tells_of_nothing_strange(node: Node) -> None:
    """The kernel's log of the last two hours tells of nothing strange about a GPU."""
    assert found.listed(found.unknown_xids(node)) == {}, (
        "the code is known neither as a fault of the GPU nor as one of a program"
    )


@check("gpu.sound", needs=PRESENT, remedy="end what runs on the GPU, and reboot the node")
def test_gpu_wants_no_recovery(node: Node) -> None:
    """The driver asks for no reset of a GPU."""
    assert found.recovery(node) == {}, "after an error the GPU works again only when this was done"


@check("gpu.ecc", needs=PRESENT, remedy=REPLACE)
def test_gpu_memory_is_sound(node: Node) -> None:
    """No memory error of a GPU was uncorrectable since the driver was loaded."""
    assert found.uncorrected(node) == 0, "what was computed since may be wrong: a program would have been ended"


@check("gpu.remap", needs=PRESENT, remedy=REPLACE)
def test_gpu_memory_is_remapped(node: Node) -> None:
    """No faulty row of a GPU's memory waits for replacement."""
    assert found.remapping(node) == {}, "memory of the GPU is wearing out"


@check(
    "gpu.unhindered", needs=PRESENT, remedy="look at cooling, power supply and cables; power the node off for a minute"
)
def test_gpu_is_not_slowed_down(node: Node) -> None:
    """Nothing slows a GPU down while it is idle."""
    assert found.slowdowns(node) == {}, "it is held back before there is any work"


@check("gpu.cool", needs=PRESENT, threshold="gpu_temperature_c", remedy="clear the air vents and let it cool down")
def test_gpu_is_cool(node: Node) -> None:
    """The GPU is cool enough to work at full speed."""
    assert found.hottest(node) <= node.cluster.thresholds.gpu_temperature_c, "it will slow itself down"


@check("gpu.lanes", needs=PRESENT, warns=True, remedy="reseat the card, or put it into a slot that has them all")
def test_gpu_has_all_its_lanes(node: Node) -> None:
    """A GPU's PCIe link has all its lanes."""
    assert found.fewer_lanes(node) == {}, "a slot that is wired so, a dirty contact or a bad riser"


@check(
    "gpu.power_cap", needs=PRESENT, warns=True, remedy="`sudo nvidia-smi -pl WATTS` raises it, if it is not meant so"
)
def test_gpu_may_draw_its_power(node: Node) -> None:
    """A GPU may draw the power that it is made for."""
    assert found.capped(node) == {}, "somebody lowered the limit: it computes slower than it could"


@check("gpu.compute_allowed", needs=PRESENT, remedy="`sudo nvidia-smi -c DEFAULT`")
def test_gpu_lets_programs_compute(node: Node) -> None:
    """A GPU lets programs compute."""
    assert found.prohibited(node) == {}, "its compute mode refuses every program"


@check("gpu.shared", needs=PRESENT, warns=True, remedy="`sudo nvidia-smi -c DEFAULT`, if it is not meant so")
def test_gpu_takes_several_programs(node: Node) -> None:
    """A GPU takes more than one program at a time."""
    assert found.exclusive(node) == {}, "a program that was left behind locks all others out"


@check("gpu.mig", needs=PRESENT, remedy="make MIG devices with `sudo nvidia-smi mig -cgi`, or turn MIG off and reboot")
def test_mig_gpu_is_divided(node: Node) -> None:
    """A GPU in MIG mode has MIG devices."""
    assert found.empty_mig(node) == {}, "MIG is on and no device was made: CUDA finds nothing"


@check(
    "gpu.fabric", needs=PRESENT, remedy="`sudo systemctl restart nvidia-fabricmanager`; see its log, and its version"
)
def test_gpu_has_joined_its_switches(node: Node) -> None:
    """A GPU on NVLink switches has joined them."""
    assert found.outside_nvlink(node) == {}, "CUDA would fail with error 802, system not yet initialized"


@check("gpu.unused", needs=PRESENT, warns=True, remedy="end the process, if nobody needs it")
def test_gpu_is_held_by_nobody(node: Node) -> None:
    """No program holds memory of a GPU."""
    assert found.held(node) == (), "; ".join(found.held(node))


@check(
    "gpu.memory",
    needs=PRESENT,
    threshold="gpu_memory_free_percent",
    warns=True,
    remedy="end what is not needed",
)
def test_gpu_memory_is_free(node: Node) -> None:
    """Most of a GPU's memory is free."""
    assert found.memory_free(node) >= node.cluster.thresholds.gpu_memory_free_percent, "little is left"


@check("gpu.persistence", needs=PRESENT, warns=True, remedy="start nvidia-persistenced, and enable it at boot")
def test_gpu_stays_ready(node: Node) -> None:
    """The driver stays ready while nobody uses a GPU."""
    assert found.without_persistence(node) == {}, "each program's start waits for the driver, and limits are lost"
