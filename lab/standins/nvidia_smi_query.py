"""nvidia-smi --query-gpu=FIELDS --format=csv[,noheader][,nounits]."""

from collections.abc import Sequence

from lab.standins.hardware import Gpu, Hardware

NOT_THERE = "[N/A]"

UNITS = {
    "memory.total": "MiB",
    "memory.used": "MiB",
    "memory.free": "MiB",
    "utilization.gpu": "%",
    "utilization.memory": "%",
    "power.draw": "W",
    "power.limit": "W",
    "clocks.sm": "MHz",
    "clocks.current.sm": "MHz",
}

SYNONYMS = {"gpu_name": "name", "gpu_uuid": "uuid", "gpu_bus_id": "pci.bus_id"}


def _values(hardware: Hardware, index: int, gpu: Gpu) -> dict[str, str]:
    """All known fields of one GPU, figures with units; GB10 shares the CPU's memory and has no figure of its own."""
    return {
        "index": str(index),
        "count": str(len(hardware.gpus)),
        "name": gpu.name,
        "uuid": gpu.uuid,
        "pci.bus_id": gpu.bus_id,
        "driver_version": hardware.driver.version,
        "compute_cap": "12.1",
        "serial": NOT_THERE,
        "pstate": "P8",
        "persistence_mode": "Enabled",
        "temperature.gpu": str(gpu.temperature),
        "utilization.gpu": "0 %",
        "utilization.memory": "0 %",
        "memory.total": NOT_THERE,
        "memory.used": NOT_THERE,
        "memory.free": NOT_THERE,
        "power.draw": "4.15 W",
        "power.limit": NOT_THERE,
        "clocks.sm": "208 MHz",
        "clocks.current.sm": "208 MHz",
        "clocks_event_reasons.active": "0x0000000000000001",
        "clocks_throttle_reasons.active": "0x0000000000000001",
        "ecc.errors.uncorrected.volatile.total": NOT_THERE,
        "pcie.link.gen.current": "1",
        "pcie.link.width.current": "1",
        "mig.mode.current": NOT_THERE,
    }


def render(arguments: Sequence[str], hardware: Hardware) -> tuple[str, int]:
    """The CSV table, or what nvidia-smi says of a field it does not know.

    Returns:
        Text and exit status.
    """
    fields = [field.strip() for field in arguments[0].partition("=")[2].split(",")]
    formats = [argument.partition("=")[2].split(",") for argument in arguments if argument.startswith("--format=")]
    if not formats or formats[0][0] != "csv":
        return '"--format=" switch is missing.', 2
    rows = [_values(hardware, index, gpu) for index, gpu in enumerate(hardware.gpus)]
    for field in fields:
        if SYNONYMS.get(field, field) not in rows[0]:
            return f'Field "{field}" is not a valid field to query.\n', 2
    bare = "nounits" in formats[0]
    lines = [] if "noheader" in formats[0] else [", ".join(_heading(field, bare=bare) for field in fields)]
    lines += [", ".join(_cell(row[SYNONYMS.get(field, field)], field, bare=bare) for field in fields) for row in rows]
    return "\n".join(lines), 0


def _heading(field: str, *, bare: bool) -> str:
    name = SYNONYMS.get(field, field)
    return f"{name} [{UNITS[name]}]" if name in UNITS and not bare else name


def _cell(value: str, field: str, *, bare: bool) -> str:
    return value.removesuffix(f" {UNITS[field]}") if bare and field in UNITS else value
