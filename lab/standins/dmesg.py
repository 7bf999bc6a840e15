"""dmesg: what the NVIDIA driver would have told the kernel's log; the host's own log is none of the node's."""

import time

from lab.standins.hardware import Hardware, load


def lines(hardware: Hardware, uptime: float) -> list[str]:
    """The driver's greeting at boot, then every Xid of every GPU as of now, one a line.

    Args:
        hardware: the node's.
        uptime: seconds since boot, without those suspended.
    """
    told = [(min(12.5, uptime), f"NVRM: loading NVIDIA UNIX Open Kernel Module  {hardware.driver.version}")]
    for gpu in hardware.gpus:
        place = gpu.bus_id[4:].lower().rsplit(".", 1)[0]
        told += [(uptime, f"NVRM: Xid (PCI:{place}): {xid}") for xid in gpu.xid]
    return [f"[{second:12.6f}] {message}" for second, message in told]


def main() -> None:
    """Print the messages, whatever was asked."""
    print("\n".join(lines(load(), time.monotonic())))


if __name__ == "__main__":
    main()
