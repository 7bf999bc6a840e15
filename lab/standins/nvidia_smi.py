"""nvidia-smi of a DGX Spark; wording and columns as the real one of driver 580 prints them."""

import sys
import time
from collections.abc import Sequence

from lab.standins.hardware import Gpu, Hardware, load

NO_DEVICE, NO_DRIVER, LOST, NO_NVML, NO_PROGRAM = 6, 9, 15, 18, 127
"""Exit statuses, from the manual page of nvidia-smi, and the shell's for a program that is not there."""


def broken(hardware: Hardware) -> tuple[str, int] | None:
    """What nvidia-smi says and exits with when it cannot work at all, or None."""
    match hardware.driver.state:
        case "mismatch":
            release = ".".join(hardware.driver.version.split(".")[:2])
            text = f"Failed to initialize NVML: Driver/library version mismatch\nNVML library version: {release}"
            return text, NO_NVML
        case "missing":
            return "timeout: failed to run command 'nvidia-smi': No such file or directory", NO_PROGRAM
        case "unloaded" | "nouveau":
            return (
                "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
                "Make sure that the latest NVIDIA driver is installed and running.\n",
                NO_DRIVER,
            )
    if not hardware.gpus:
        return "No devices were found", NO_DEVICE
    for index, gpu in enumerate(hardware.gpus):
        if gpu.state == "lost":
            return (
                f"Unable to determine the device handle for GPU{index}: {gpu.bus_id}: GPU is lost.  "
                "Reboot the system to recover this GPU\nNo devices were found",
                LOST,
            )
    return None


def listing(gpus: Sequence[Gpu]) -> str:
    """What -L prints."""
    lines = []
    for index, gpu in enumerate(gpus):
        lines.append(f"GPU {index}: {gpu.name} (UUID: {gpu.uuid})")
        lines += [f"  MIG 1g.10gb     Device  {number}: (UUID: {uuid})" for number, uuid in enumerate(gpu.mig)]
    return "\n".join(lines)


def answer(arguments: Sequence[str], hardware: Hardware) -> tuple[str, int]:
    """What nvidia-smi prints for a command line, and its exit status."""
    return broken(hardware) or _answer(arguments, hardware)


def _answer(arguments: Sequence[str], hardware: Hardware) -> tuple[str, int]:
    # Each kind of output imports what it alone needs: the program is started dozens of times a run.
    match list(arguments):
        case []:
            from lab.standins import nvidia_smi_table  # noqa: PLC0415 - see above

            return nvidia_smi_table.render(hardware, time.ctime()), 0
        case ["-L" | "--list-gpus"]:
            return listing([gpu for gpu in hardware.gpus if gpu.state != "unseen"]), 0
        case ["-q", "-x"]:
            from lab.standins import nvidia_smi_xml  # noqa: PLC0415 - see above

            return nvidia_smi_xml.render(hardware, time.ctime()), 0
        case ["-q" | "-a" | "--query"]:
            from lab.standins import nvidia_smi_log  # noqa: PLC0415 - see above

            return nvidia_smi_log.render(hardware, time.ctime()), 0
        case [fields, *_] if fields.startswith("--query-gpu="):
            from lab.standins import nvidia_smi_query  # noqa: PLC0415 - see above

            return nvidia_smi_query.render(arguments, hardware)
    return f"Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n{' '.join(arguments)}", 2


def main() -> None:
    """Print what nvidia-smi would."""
    hardware = load()
    if any(gpu.state == "hang" for gpu in hardware.gpus):
        time.sleep(86400)
    text, status = answer(sys.argv[1:], hardware)
    print(text)
    sys.exit(status)


if __name__ == "__main__":
    main()
