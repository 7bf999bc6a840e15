"""ibdev2netdev: which RDMA device belongs to which interface, and whether it has a link."""

import os

from lab.standins.hardware import Port, load, read


def line(interface: str, port: Port, operstate: str) -> str:
    """One line of output.

    Args:
        interface: the network interface.
        port: its simulated hardware.
        operstate: as /sys/class/net/INTERFACE/operstate has it.
    """
    state = port.state if port.state != "auto" else ("Up" if operstate == "up" else "Down")
    return f"{port.rdma} port 1 ==> {interface} ({state})"


def main() -> None:
    """Print one line for each port that the node has, by name of the RDMA device."""
    for interface, port in sorted(load().ports.items(), key=lambda item: item[1].rdma):
        operstate = f"/sys/class/net/{interface}/operstate"
        if os.path.exists(operstate):  # noqa: PTH110 - pathlib takes longer to import than all the rest
            print(line(interface, port, read(operstate).strip()))


if __name__ == "__main__":
    main()
