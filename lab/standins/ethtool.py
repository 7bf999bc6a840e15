"""ethtool: the real one, with the speed and the error counter that a ConnectX-7 port would have."""

import os
import re
import sys

from lab.standins.hardware import Port, load, read

REAL = "/usr/sbin/ethtool.real"


def with_speed(output: str, speed: int | None) -> str:
    """The real output with another speed line.

    Args:
        output: what the real ethtool printed.
        speed: Mb/s, or None where there is no link.
    """
    return re.sub(r"Speed: .*", "Speed: Unknown!" if speed is None else f"Speed: {speed}Mb/s", output)


def statistics(port: Port) -> str:
    """What `ethtool -S` of the mlx5 driver tells of the cable, beside much else."""
    return f"NIC statistics:\n     rx_corrected_bits_phy: 31\n     rx_crc_errors_phy: {port.crc_errors}"


def main() -> None:
    """Run the real ethtool, and correct its speed line where it is asked for a port's settings."""
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "-S" and (asked := load().ports.get(arguments[1])):
        print(statistics(asked))
        return
    port = load().ports.get(arguments[0]) if len(arguments) == 1 else None
    if port is None:
        os.execv(REAL, ["ethtool", *arguments])  # noqa: S606 - handing over to the real program is the point
    output, status = _run_real(arguments)
    linked = read(f"/sys/class/net/{arguments[0]}/operstate").strip() == "up"
    print(with_speed(output, port.speed if linked else None), end="")
    sys.exit(status)


def _run_real(arguments: list[str]) -> tuple[str, int]:
    # Without subprocess, which takes longer to import than the real program runs.
    reading, writing = os.pipe()
    child = os.posix_spawn(REAL, ["ethtool", *arguments], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    with open(reading) as stream:  # noqa: PTH123 - a descriptor has no path
        output = stream.read()
    return output, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
