"""dmesg: what the NVIDIA driver would have told the kernel's log; the host's own log is none of the node's."""

from lab.standins.hardware import Hardware, load


def lines(hardware: Hardware) -> list[str]:
    """The driver's greeting, then every Xid of every GPU, one a line."""
    messages = [f"NVRM: loading NVIDIA UNIX Open Kernel Module  {hardware.driver.version}"]
    for gpu in hardware.gpus:
        place = gpu.bus_id[4:].lower().rsplit(".", 1)[0]
        messages += [f"NVRM: Xid (PCI:{place}): {xid}" for xid in gpu.xid]
    return [f"[{12.5 + second:12.6f}] {message}" for second, message in enumerate(messages)]


def main() -> None:
    """Print the messages, whatever was asked."""
    print("\n".join(lines(load())))


if __name__ == "__main__":
    main()
