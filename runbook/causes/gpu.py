"""Why a GPU is not as it has to be, in words: found by comparing what its tool, the bus and the driver say."""

from cluster.facts.gpu import HANGS, MISSING
from cluster.facts.xid import OF_HARDWARE, Xid
from cluster.node import Node


def why_no_answer(node: Node) -> str:
    """What keeps nvidia-smi from working, and what helps."""
    said, gpu = node.gpu.health, node.gpu
    if said == HANGS:
        return "nvidia-smi hangs: a GPU or its driver is stuck; power the node off, since a reboot may hang as well"
    if any(one.driver == "nouveau" for one in gpu.bus):
        return "nouveau holds the GPU: install NVIDIA's driver, which shuts nouveau out, and reboot"
    if said == MISSING:
        return _why_missing(node)
    if gpu.is_lost:
        return f"a GPU has fallen off the bus: {said}; power the node off for a minute, then reseat or replace it"
    return _in_other_words(node, said)


def _why_missing(node: Node) -> str:
    if not node.gpu.bus:
        return "there is no NVIDIA GPU on the PCI bus, and no driver: this machine has none, or it sits loose"
    return f"the GPU at {_places(node)} has no driver: nvidia-smi is not installed; install NVIDIA's driver"


def _in_other_words(node: Node, said: str) -> str:
    if "mismatch" in said:
        return f"the driver was updated without a reboot{_versions(node)}: reboot"
    if "couldn't communicate" in said:
        return "the driver is not loaded: it may not have been built for a new kernel, or secure boot refuses it"
    if "No devices were found" in said:
        return why_no_gpu(node)
    return f"nvidia-smi says: {said}"


def _places(node: Node) -> str:
    return " and ".join(one.place for one in node.gpu.bus)


def _versions(node: Node) -> str:
    parts = node.gpu.versions
    return f" ({', '.join(f'{part}: {version}' for part, version in parts.items())})" if parts else ""


def why_no_gpu(node: Node) -> str:
    """What is known of GPUs that the driver does not see."""
    if node.gpu.is_lost:
        return "the driver has lost the GPU: power the node off for a minute, then reseat or replace it"
    if node.gpu.bus:
        return f"the driver could not start the GPU at {_places(node)}: dmesg says why, after NVRM"
    return "neither the driver nor the PCI bus shows a GPU"


def why_incomplete(node: Node) -> str:
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


def why_xid(xids: tuple[Xid, ...]) -> str:
    """What the codes mean, and what helps."""
    told = {xid.code: OF_HARDWARE[xid.code] for xid in xids}
    return "; ".join(f"XID {code}: {words}: {remedy}" for code, (words, remedy) in told.items())
