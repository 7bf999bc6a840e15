"""lspci: the GPUs and the ConnectX-7."""

from lab.standins.hardware import Hardware, load


def lines(hardware: Hardware) -> list[str]:
    """One line a device, as `lspci` prints them."""
    gpus = []
    for gpu in hardware.gpus:
        # A GPU that fell off the bus answers every read with ones.
        revision = "ff" if gpu.state == "lost" else "a1"
        gpus.append(f"{gpu.bus_id[4:].lower()} 3D controller: NVIDIA Corporation Device 2e12 (rev {revision})")
    ports = [
        f"{place} Ethernet controller: Mellanox Technologies MT2910 Family [ConnectX-7]"
        for place in ("0000:01:00.0", "0000:01:00.1", "0002:01:00.0", "0002:01:00.1")
    ]
    return [*ports, *gpus]


def main() -> None:
    """Print the devices, whatever was asked."""
    print("\n".join(lines(load())))


if __name__ == "__main__":
    main()
