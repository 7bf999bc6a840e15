"""Why a GPU is not as it has to be, in words: found by comparing what its tool, the bus and the driver say."""

from cluster.facts.gpu import HANGS, MISSING
from cluster.facts.smi import Gpu
from cluster.facts.xid import OF_HARDWARE, Xid
from cluster.node import Node
from runbook.found.gpus import held, power_cap
from workloads.gpu_load.launch import GpuLoad


def no_answer(node: Node) -> str:
    """What keeps nvidia-smi from working, and what helps."""
    said, gpu = node.gpu.health, node.gpu
    if said == HANGS:
        return "nvidia-smi hangs: a GPU or its driver is stuck; power the node off, since a reboot may hang as well"
    if any(one.driver == "nouveau" for one in gpu.bus):
        return "nouveau holds the GPU: install NVIDIA's driver, which shuts nouveau out, and reboot"
    if said == MISSING:
        return _no_driver(node)
    if gpu.is_lost:
        return f"a GPU has fallen off the bus: {said}; power the node off for a minute, then reseat or replace it"
    return _in_other_words(node, said)


def _no_driver(node: Node) -> str:
    if not node.gpu.bus:
        return "there is no NVIDIA GPU on the PCI bus, and no driver: this machine has none, or it sits loose"
    return f"the GPU at {_places(node)} has no driver: nvidia-smi is not installed; install NVIDIA's driver"


def _in_other_words(node: Node, said: str) -> str:
    if "mismatch" in said:
        return mixed_driver(node)
    if "couldn't communicate" in said:
        return (
            "the driver is not loaded: it may not have been built for a new kernel (`dkms status`), or secure boot "
            "refuses it (`mokutil --sb-state`); `sudo modprobe nvidia` tells which"
        )
    if "No devices were found" in said:
        return no_gpu(node)
    if "requires reset" in said:
        return "a GPU waits for a reset after an error: end what runs on it, and reboot the node"
    if "Unknown Error" in said:
        return (
            "the driver's devices are out of reach: a container loses them by a daemon-reload, and has to be made anew"
        )
    return f"nvidia-smi says: {said}"


def _places(node: Node) -> str:
    return " and ".join(one.place for one in node.gpu.bus)


def mixed_driver(node: Node) -> str:
    """Which parts of the driver tell which version."""
    parts = ", ".join(f"{part}: {version}" for part, version in node.gpu.versions.items())
    return f"the driver was updated without a reboot{f' ({parts})' if parts else ''}: reboot"


def no_gpu(node: Node) -> str:
    """What is known of GPUs that the driver does not see."""
    if node.gpu.is_lost:
        return "the driver has lost the GPU: power the node off for a minute, then reseat or replace it"
    if node.gpu.bus:
        return f"the driver could not start the GPU at {_places(node)}: dmesg says why, after NVRM"
    return "neither the driver nor the PCI bus shows a GPU"


def incomplete(node: Node) -> str:
    """What became of the GPUs that are on the bus and that nvidia-smi does not show as working."""
    missing = [one for one in node.gpu.bus if one.place in node.gpu.on_bus and one.place not in node.gpu.served]
    if not missing:
        return "nvidia-smi shows a GPU that the bus does not"
    one = missing[0]
    if one.gone or node.gpu.is_lost:
        return f"the GPU at {one.place} has fallen off the bus"
    if one.driver not in (None, "nvidia"):
        return f"the GPU at {one.place} is held by {one.driver}"
    return f"the driver could not start the GPU at {one.place}: dmesg says why, after NVRM"


def failed_hardware(xids: tuple[Xid, ...]) -> str:
    """What the codes mean, and what helps."""
    told = {xid.code: OF_HARDWARE[xid.code] for xid in xids}
    return "; ".join(f"XID {code}: {words}: {remedy}" for code, (words, remedy) in told.items())


_FAILURES = {
    "802": "nvidia-fabricmanager does not run, or is of another version than the driver: start it",
    "out of memory": "its memory is taken: gpu.unused tells by whom",
    "driver on your system is too old": "the driver is older than the image's CUDA: update it, or take an older image",
    "no kernel image": "the image's torch does not know this GPU: take a newer image",
    "Cannot re-initialize": "another process holds it for itself",
    "no CUDA-capable device": "nvidia-smi shows a GPU, and CUDA gets none: NVIDIA_VISIBLE_DEVICES, or the device files",
    "unknown error": "the driver's own state is broken: reboot the node",
}


def idle(outcome: str) -> str:
    """Why a GPU takes up no work: what CUDA said, and what that means."""
    meaning = next((words for sign, words in _FAILURES.items() if sign in outcome), None)
    return f"{meaning} ({outcome})" if meaning else outcome


def slow(node: Node, load: GpuLoad) -> str:
    """What explains that a GPU is slower than one of its kind, from what it said under load."""
    for gpu in load.known(node):
        if gpu.sample is None:
            continue
        if gpu.sample.slowdowns:
            return f"GPU {gpu.index} is {', '.join(gpu.sample.slowdowns)}"
        if limit := power_cap(gpu.sample):
            return f"GPU {gpu.index} may draw only {limit}"
    if others := held(node):
        return f"it has other work as well: {'; '.join(others)}"
    return (
        "; ".join(_stuck(gpu.sample) for gpu in load.known(node) if gpu.sample) or "nvidia-smi told nothing under load"
    )


def _stuck(gpu: Gpu) -> str:
    figures = f"{gpu.clock_mhz or 0:.0f} of {gpu.clock_max_mhz or 0:.0f} MHz at {gpu.power_w or 0:.0f} W"
    if gpu.clock_mhz and gpu.clock_max_mhz and gpu.clock_mhz < gpu.clock_max_mhz / 3:
        return (
            f"GPU {gpu.index} is stuck in low power ({figures}) and gives no reason: its supply granted it too little"
        )
    return f"GPU {gpu.index} worked with {figures}, which does not explain it"
