"""lspci: the GPUs and the ConnectX-7."""

import sys
from collections.abc import Sequence

from lab.standins.hardware import Gpu, Hardware, load

PORTS = ("0000:01:00.0", "0000:01:00.1", "0002:01:00.0", "0002:01:00.1")


def lines(hardware: Hardware) -> list[str]:
    """One line a device, as `lspci` prints them."""
    ports = [f"{place} Ethernet controller: Mellanox Technologies MT2910 Family [ConnectX-7]" for place in PORTS]
    gpus = [
        f"{_place(gpu)} 3D controller: NVIDIA Corporation Device 2e12 (rev {_revision(gpu)})" for gpu in hardware.gpus
    ]
    return [*ports, *gpus]


def gpus_in_numbers(hardware: Hardware) -> list[str]:
    """NVIDIA's devices as `lspci -Dnk -d 10de:` prints them: with numbers for names, and the driver of each."""
    told = []
    for gpu in hardware.gpus:
        told += [f"{_place(gpu)} 0302: 10de:2e12 (rev {_revision(gpu)})", "\tSubsystem: 10de:0000"]
        if hardware.driver.state == "nouveau":
            told.append("\tKernel driver in use: nouveau")
        elif hardware.driver.state not in {"unloaded", "missing"}:
            told.append("\tKernel driver in use: nvidia")
    return told


def _place(gpu: Gpu) -> str:
    return gpu.bus_id[4:].lower()


def _revision(gpu: Gpu) -> str:
    # A GPU that fell off the bus answers every read with ones.
    return "ff" if gpu.state == "lost" else "a1"


def answer(arguments: Sequence[str], hardware: Hardware) -> str:
    """What lspci prints for a command line; of its options it knows those that ask for NVIDIA's devices in numbers."""
    return "\n".join(gpus_in_numbers(hardware) if list(arguments) == ["-Dnk", "-d", "10de:"] else lines(hardware))


def main() -> None:
    """Print the devices."""
    print(answer(sys.argv[1:], load()))


if __name__ == "__main__":
    main()
