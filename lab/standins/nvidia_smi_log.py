"""nvidia-smi -q (and -a): the log, as far as a reader of UUIDs, versions and temperatures goes."""

from lab.standins.hardware import Gpu, Hardware

COLUMN = 55


def _line(name: str, value: str, depth: int = 0) -> str:
    return f"{' ' * (4 * depth) + name:<{COLUMN}}: {value}"


def render(hardware: Hardware, now: str) -> str:
    """The log; `now` is the time as ctime(3) prints it."""
    lines = [
        "",
        "==============NVSMI LOG==============",
        "",
        _line("Timestamp", now),
        _line("Driver Version", hardware.driver.version),
        _line("CUDA Version", hardware.driver.cuda),
        "",
        _line("Attached GPUs", str(len(hardware.gpus))),
    ]
    for index, gpu in enumerate(hardware.gpus):
        lines += _gpu(index, gpu)
    return "\n".join(lines)


def _gpu(index: int, gpu: Gpu) -> list[str]:
    return [
        f"GPU {gpu.bus_id}",
        _line("Product Name", gpu.name, 1),
        _line("Product Brand", "NVIDIA", 1),
        _line("Product Architecture", "Blackwell", 1),
        _line("Persistence Mode", "Enabled", 1),
        _line("Addressing Mode", "ATS", 1),
        _line("Serial Number", "N/A", 1),
        _line("GPU UUID", gpu.uuid, 1),
        _line("Minor Number", str(index), 1),
        "    FB Memory Usage",
        _line("Total", "N/A", 2),
        _line("Reserved", "N/A", 2),
        _line("Used", "N/A", 2),
        _line("Free", "N/A", 2),
        "    Temperature",
        _line("GPU Current Temp", f"{gpu.temperature} C", 2),
        _line("Processes", "None", 1),
        "",
    ]
