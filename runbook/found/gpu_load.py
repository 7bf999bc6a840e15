"""What GPUs reach under load, as checks compare it; what cannot be measured or compared here skips a check."""

from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from cluster.cluster import Cluster
from cluster.node import Node
from workloads.gpu_load.launch import GpuLoad, Loaded, LoadRun, NoPlace
from workloads.gpu_load.references import REFERENCES

MAX_ERROR = 0.02
"""bf16 keeps 8 bits: a right product is off by 0.002 to 0.01 of its length."""

Figure = Literal["tflops", "copy_gb_s"]
_UNITS: dict[Figure, str] = {"tflops": "TFLOP/s", "copy_gb_s": "GB/s"}


def result(load: GpuLoad, node: Node) -> LoadRun:
    """What came of the load on a node."""
    try:
        return load.of(node)
    except NoPlace as reason:
        pytest.skip(str(reason))


def wrong(load: GpuLoad, node: Node) -> dict[str, str]:
    """The GPUs that computed something else than they should, or not the same twice."""
    found = {}
    for gpu in result(load, node).gpus:
        if not gpu.error <= MAX_ERROR:  # a NaN is no smaller than anything
            found[f"GPU {gpu.index}"] = f"off by {100 * gpu.error:.1f}%"
        elif not gpu.repeats_itself:
            found[f"GPU {gpu.index}"] = "another result for the same product"
    return found


def compute_percent(load: GpuLoad, node: Node) -> float:
    """The product of matrices, in percent of what the GPU should reach; of the slowest GPU."""
    return _percent(load, node, "tflops")


def copy_percent(load: GpuLoad, node: Node) -> float:
    """The copy within the GPU's memory, in percent of what it should reach; of the slowest GPU."""
    return _percent(load, node, "copy_gb_s")


def _percent(load: GpuLoad, node: Node, figure: Figure) -> float:
    gpus = result(load, node).gpus
    shares = [share for gpu in gpus if (share := _share(load, node, gpu, figure)) is not None]
    if not shares:
        reached = ", ".join(f"{getattr(gpu, figure):.0f} {_UNITS[figure]} by {gpu.name}" for gpu in gpus)
        pytest.skip(f"there is no reference for this GPU, and no other like it to compare with; measured: {reached}")
    return min(shares)


def _share(load: GpuLoad, node: Node, gpu: Loaded, figure: Figure) -> float | None:
    """Compare with the GPU's own reference, else with the best of its kind in this cluster."""
    if gpu.sample is not None and gpu.sample.mig:
        return None
    reached: float = getattr(gpu, figure)
    if reference := REFERENCES.get(gpu.name):
        return round(100 * reached / float(getattr(reference, figure)), 1)
    alike = [float(getattr(other, figure)) for other in _all(load, node) if other.name == gpu.name]
    return round(100 * reached / max(alike), 1) if len(alike) > 1 else None


def _all(load: GpuLoad, node: Node) -> Iterator[Loaded]:
    for one in node.cluster.reached:
        yield from load.known(one)


def slowest_percent(load: GpuLoad, cluster: Cluster) -> float:
    """The product of matrices on the slowest GPU, in percent of the fastest of its kind."""
    alike: dict[str, list[float]] = {}
    for node in cluster.reached:
        for gpu in result(load, node).gpus:
            alike.setdefault(gpu.name, []).append(gpu.tflops)
    return round(min(100 * min(figures) / max(figures) for figures in alike.values()), 1)


def told_by_node(load: GpuLoad, cluster: Cluster) -> str:
    """What each GPU reached, by node."""
    return "; ".join(
        f"{node.name}: {', '.join(f'{gpu.tflops:.0f} TFLOP/s by {gpu.name}' for gpu in load.known(node))}"
        for node in cluster.reached
    )


def clock_percent(load: GpuLoad, node: Node) -> float:
    """The clock under load, in percent of the highest that the GPU has; of the slowest GPU."""
    return min(_told(load, node, _clock, "its clock"))


def link_percent(load: GpuLoad, node: Node) -> float:
    """The bandwidth of the PCIe link under load, in percent of the most it could have; of the worst link."""
    return min(_told(load, node, _link, "of its PCIe link"))


def hottest(load: GpuLoad, node: Node) -> float:
    """The highest temperature under load, in degrees Celsius."""
    return max(_told(load, node, lambda gpu: gpu.sample.temperature_c if gpu.sample else None, "its temperature"))


def _clock(gpu: Loaded) -> float | None:
    sample = gpu.sample
    if sample is None or not sample.clock_mhz or not sample.clock_max_mhz:
        return None
    return round(100 * sample.clock_mhz / sample.clock_max_mhz, 1)


def _link(gpu: Loaded) -> float | None:
    return gpu.sample.link.percent if gpu.sample and not gpu.sample.unified else None


def _told(load: GpuLoad, node: Node, of: Callable[[Loaded], float | None], what: str) -> list[float]:
    told = [figure for gpu in result(load, node).gpus if (figure := of(gpu)) is not None]
    if not told:
        pytest.skip(f"no GPU here tells {what} while it works")
    return told


def slowdowns(load: GpuLoad, node: Node) -> dict[str, tuple[str, ...]]:
    """What holds GPUs back under load, other than their power limit."""
    told = {gpu.index: gpu.sample.slowdowns for gpu in result(load, node).gpus if gpu.sample}
    if not any(reasons is not None for reasons in told.values()):
        pytest.skip("no GPU here tells what slows it down while it works")
    return {f"GPU {index}": reasons for index, reasons in told.items() if reasons}
