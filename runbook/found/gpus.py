"""What each GPU of a node tells, as checks compare it; what no GPU there can tell skips a check with that reason."""

from collections.abc import Callable, Iterable

import pytest

from cluster.facts.gpu import MISSING
from cluster.facts.smi import Gpu, Process
from cluster.facts.xid import OF_HARDWARE, OF_PROGRAMS, Xid
from cluster.node import Node

UNSEEN_MIB = 1024
"""Memory in use beyond this belongs to somebody, also where no process is listed; drivers keep less for themselves."""

_SHARES_BY_DESIGN = "nvidia-cuda-mps-server"


def _ailing(node: Node, of: Callable[[Gpu], object], told: str) -> dict[str, object]:
    """Ask each GPU what is wrong with it; it returns nothing but None where it cannot tell."""
    answers = {f"GPU {gpu.index}": answer for gpu in node.gpu.gpus if (answer := of(gpu)) is not None}
    if not answers:
        pytest.skip(f"no GPU here {told}")
    return {gpu: wrong for gpu, wrong in answers.items() if wrong}


def _known(told: float | None, what: str) -> float:
    if told is None:
        pytest.skip(f"no GPU here tells {what}")
    return told


def hottest(node: Node) -> float:
    """The highest temperature, in degrees Celsius."""
    return _known(node.gpu.hottest_c, "its temperature")


def memory_free(node: Node) -> float:
    """The share of memory that is free, in percent, on the GPU with the least."""
    return _known(node.gpu.memory_free_percent, "how much of its memory is used")


def uncorrected(node: Node) -> int:
    """The uncorrectable memory errors of all GPUs since the driver was loaded."""
    counts = [gpu.ecc_uncorrected for gpu in node.gpu.gpus if gpu.ecc_uncorrected is not None]
    if not counts:
        pytest.skip("no GPU here counts memory errors")
    return sum(counts)


def on_bus(node: Node) -> tuple[str, ...]:
    """The places on the bus of all GPUs that nvidia-smi should show."""
    if not node.gpu.on_bus:
        pytest.skip("the GPUs of this machine are on no PCI bus that it shows")
    if node.gpu.in_container and set(node.gpu.served) < set(node.gpu.on_bus):
        pytest.skip("a container sees only the GPUs that it was given")
    return node.gpu.on_bus


def versions(node: Node) -> str:
    """The versions of the driver that its parts tell: one, where all is well."""
    if len(node.gpu.versions) < 2:
        pytest.skip("only nvidia-smi tells a version here")
    return ", ".join(sorted(set(node.gpu.versions.values())))


def driver(node: Node) -> str:
    """The version of the driver that works the GPUs."""
    return ", ".join(sorted({gpu.driver for gpu in node.gpu.gpus}))


def kinds(node: Node) -> str:
    """The GPUs by name."""
    return ", ".join(gpu.name for gpu in node.gpu.gpus)


def hardware_xids(node: Node) -> tuple[Xid, ...]:
    """The XIDs after which a GPU is not to be trusted."""
    return tuple(xid for xid in _xids(node) if xid.code in OF_HARDWARE)


def unknown_xids(node: Node) -> tuple[Xid, ...]:
    """The XIDs that are neither known as the hardware's nor as a program's own fault."""
    return tuple(xid for xid in _xids(node) if xid.code not in OF_HARDWARE and xid.code not in OF_PROGRAMS)


def _xids(node: Node) -> tuple[Xid, ...]:
    if not node.gpu.bus and node.gpu.health == MISSING:
        pytest.skip("there is no NVIDIA GPU here")
    return node.gpu.xids


def listed(xids: Iterable[Xid]) -> dict[str, str]:
    """Write XIDs down by code and GPU, each with its age."""
    return {f"XID {xid.code} of the GPU at {xid.place}": f"{xid.age_s / 60:.0f} min ago" for xid in xids}


def held(node: Node) -> tuple[str, ...]:
    """Who holds memory of a GPU to compute with: program, process, user and how much."""
    return tuple(told for gpu in node.gpu.gpus for told in _held(node, gpu))


def _held(node: Node, gpu: Gpu) -> Iterable[str]:
    computing = [one for one in gpu.processes if "C" in one.kind and not one.name.endswith(_SHARES_BY_DESIGN)]
    yield from (_told(node, gpu, one) for one in computing)
    used = gpu.memory_used_mib or 0
    if not gpu.processes and used > UNSEEN_MIB:
        yield f"{used:.0f} MiB of GPU {gpu.index}, by a process that is not to be seen from here"


def _told(node: Node, gpu: Gpu, process: Process) -> str:
    owner = node.gpu.users.get(process.pid, "a user unknown here")
    much = "memory" if process.memory_mib is None else f"{process.memory_mib:.0f} MiB"
    return f"{much} of GPU {gpu.index} by {process.name}, process {process.pid} of {owner}"


def slowdowns(node: Node) -> dict[str, object]:
    """What holds GPUs back while they are idle."""
    return _ailing(node, lambda gpu: gpu.slowdowns, "tells what slows it down")


def fewer_lanes(node: Node) -> dict[str, object]:
    """How many PCIe lanes are missing; the link of unified memory is none of PCIe."""
    return _ailing(node, _fewer_lanes, "tells of a PCIe link")


def _fewer_lanes(gpu: Gpu) -> str | None:
    link = gpu.link
    if gpu.unified or not link.width or not link.width_max:
        return None
    return f"{link.width:.0f} of {link.width_max:.0f} lanes" if link.width < link.width_max else ""


def capped(node: Node) -> dict[str, object]:
    """How far power limits are below the GPUs' own."""
    return _ailing(node, power_cap, "has a power limit")


def power_cap(gpu: Gpu) -> str | None:
    """Say how far the power limit is below the GPU's own."""
    limit, default = gpu.power_limit_w, gpu.power_default_w
    if not limit or not default:
        return None
    return f"{limit:g} of {default:g} W" if limit < default else ""


def without_persistence(node: Node) -> dict[str, object]:
    """The GPUs that the driver lets go of when nobody uses them; a GB10 is never let go of."""
    modes = {"Disabled": "off", "Enabled": ""}
    return _ailing(
        node, lambda gpu: None if gpu.unified else modes.get(gpu.persistence or ""), "has a persistence mode"
    )


def empty_mig(node: Node) -> dict[str, object]:
    """The GPUs in MIG mode of which nothing was made."""
    return _ailing(node, _empty_mig, "is in MIG mode")


def _empty_mig(gpu: Gpu) -> str | None:
    if not gpu.mig:
        return None
    return "" if gpu.mig_uuids else "no MIG device"


def outside_nvlink(node: Node) -> dict[str, object]:
    """How far GPUs are from having joined the NVLink switches that they hang on."""
    joined = ("Completed", "Completed, Success")
    return _ailing(node, lambda gpu: "" if gpu.fabric in joined else gpu.fabric, "hangs on NVLink switches")


def remapping(node: Node) -> dict[str, object]:
    """What is left to do, or was not to be done, about faulty rows of memory."""
    return _ailing(node, _remapping, "replaces rows of its memory")


def _remapping(gpu: Gpu) -> str | None:
    if gpu.remap_failed:
        return "a faulty row could not be replaced"
    if gpu.remap_pending:
        return "a faulty row waits for a reset to be replaced"
    return None if gpu.remap_pending is None else ""


def prohibited(node: Node) -> dict[str, object]:
    """The compute modes that let no program in."""
    return _in_mode(node, "Prohibited")


def exclusive(node: Node) -> dict[str, object]:
    """The compute modes that let one program in at a time."""
    return _in_mode(node, "Exclusive")


def _in_mode(node: Node, kind: str) -> dict[str, object]:
    def mode(gpu: Gpu) -> str | None:
        return gpu.compute_mode if gpu.compute_mode is None or gpu.compute_mode.startswith(kind) else ""

    return _ailing(node, mode, "tells its compute mode")


def recovery(node: Node) -> dict[str, object]:
    """What the driver asks for after an error."""
    return _ailing(node, lambda gpu: "" if gpu.recovery == "None" else gpu.recovery, "tells what recovery it wants")
