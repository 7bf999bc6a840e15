"""The real GPUs of this machine, for a lab that gives each node one of its own."""

import ctypes
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError
from lab.standins.real_gpu import DRIVER as DRIVER_IN_NODE

DRIVER: Final = Path("/proc/driver/nvidia")
"""What the kernel module tells; each GPU has a folder in `gpus`, named after its place on the bus."""

LOADED: Final = Path("/sys/module/nvidia/version")
"""The version of the driver that this machine has loaded, where it has one: nodes share its kernel, and see it."""

IN_NODE: Final = DRIVER_IN_NODE
"""Where nodes and containers have the driver's programs: `bin` and `lib64` in it are where NVIDIA's images look."""

SHARED_DEVICES: Final = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
PARAMETERS: Final = "params"

LIBRARIES: Final = ("cuda", "cudadebugger", "nvidia-ml", "nvidia-ptxjitcompiler", "nvidia-nvvm", "nvidia-gpucomp")
"""What CUDA and nvidia-smi load of the driver: libNAME.so.VERSION."""


@dataclass(frozen=True)
class RealGpu:
    """One GPU.

    Attributes:
        name: the model.
        uuid: as nvidia-smi tells it.
        bus_id: domain:bus:device.function, in nvidia-smi's eight digits of domain.
        minor: its device is /dev/nvidiaMINOR.
    """

    name: str
    uuid: str
    bus_id: str
    minor: int

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices through which a program reaches this GPU and no other."""
        return (f"/dev/nvidia{self.minor}", *SHARED_DEVICES)


def real_gpus(driver: Path = DRIVER) -> list[RealGpu]:
    """The GPUs of this machine, first device first; none where NVIDIA's driver is not loaded."""
    return sorted((_gpu(path.read_text()) for path in driver.glob("gpus/*/information")), key=lambda gpu: gpu.minor)


def require_gpus(nodes: int, driver: Path = DRIVER) -> None:
    """Make sure that every node can have a GPU of its own.

    Raises:
        LabError: if there are fewer GPUs than nodes.
    """
    found = len(real_gpus(driver))
    if not found:
        raise LabError(f"There is no real GPU here: {driver} is missing, so NVIDIA's driver is not loaded.")
    if found < nodes:
        raise LabError(f"Each node gets a real GPU of its own, and this machine has {found}: ask for --nodes {found}.")


def driver_version(driver: Path = DRIVER) -> str:
    """The version of the driver that is loaded.

    Raises:
        LabError: if it cannot be found.
    """
    found = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", (driver / "version").read_text())
    if found is None:
        raise LabError(f"{driver / 'version'} tells no version of NVIDIA's driver.")
    return found[1]


def copy_driver(target: Path, driver: Path = DRIVER) -> None:
    """Copy what programs need of the driver, so that nodes and containers can mount it.

    Args:
        target: the folder to make; `bin` and `lib64` in it as in IN_NODE.
        driver: see DRIVER.

    Raises:
        LabError: if this machine's nvidia-smi or libcuda is not where the loader finds it.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        raise LabError("nvidia-smi is not in the PATH: it belongs to NVIDIA's driver, which a lab on real GPUs needs.")
    (target / "bin").mkdir(parents=True)
    shutil.copy2(program, target / "bin/nvidia-smi")
    libraries, version = _library_folder(), driver_version(driver)
    (target / "lib64").mkdir()
    for name in LIBRARIES:
        for path in (*libraries.glob(f"lib{name}.so.{version}"), *libraries.glob(f"lib{name}.so.[0-9]")):
            shutil.copy2(path, target / "lib64" / path.name)
    # Root in a node would otherwise make the devices of the other nodes' GPUs: nvidia-smi does so unasked.
    parameters = (driver / PARAMETERS).read_text().replace("ModifyDeviceFiles: 1", "ModifyDeviceFiles: 0")
    (target / PARAMETERS).write_text(parameters)


def hardware(simulated: dict[str, Any], gpu: RealGpu, driver: Path = DRIVER) -> dict[str, Any]:
    """The state file of a node with a real GPU: what the stand-ins that are left play from."""
    own = {"name": gpu.name, "uuid": gpu.uuid, "bus_id": gpu.bus_id, "devices": gpu.devices}
    return {
        **simulated,
        "driver": {**simulated["driver"], "version": driver_version(driver)},
        "gpus": [{**simulated["gpus"][0], **own}],
    }


def _gpu(information: str) -> RealGpu:
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in information.splitlines())}
    # The kernel writes 0000:0f:01.0, nvidia-smi 00000000:0F:01.0.
    return RealGpu(told["Model"], told["GPU UUID"], f"0000{told['Bus Location']}".upper(), int(told["Device Minor"]))


def _library_folder() -> Path:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise LabError(
            "libcuda.so.1 cannot be loaded: a lab on real GPUs needs the whole of NVIDIA's driver."
        ) from None
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libcuda.so" in line}
    return Path(mapped.pop()).parent
