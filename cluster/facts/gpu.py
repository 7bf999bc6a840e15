"""Step 4: the GPUs, as their own tool tells them."""

import csv
import re
from dataclasses import dataclass

from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, fact

NOT_THERE = ("[N/A]", "[Not Supported]", "N/A", "Not Supported", "[Unknown Error]", "")


@dataclass(frozen=True)
class Gpu:
    """One GPU; a figure that the GPU does not have (GB10 has no memory figure of its own) is None."""

    index: int
    name: str
    uuid: str
    bus_id: str
    driver: str
    temperature_c: float | None


_FIELDS = "index,name,uuid,pci.bus_id,driver_version,temperature.gpu"


def parse_gpus(reading: Reading) -> tuple[Gpu, ...]:
    """Read `nvidia-smi --query-gpu=... --format=csv,noheader`; no GPU and no tool are an empty answer, not an error."""
    if reading.exit == 127 or "No devices were found" in reading.out + reading.err:
        return ()
    if reading.exit != 0:
        said = (reading.out.strip() or reading.err.strip() or "it said nothing").splitlines()[0]
        raise ParseError(f"it failed with exit {reading.exit}: {said[:200]}")
    try:
        return tuple(_gpu(row) for row in csv.reader(reading.out.splitlines(), skipinitialspace=True) if row)
    except csv.Error as error:
        raise ParseError(f"it is no table: {error}") from None


def _gpu(row: list[str]) -> Gpu:
    if len(row) != len(_FIELDS.split(",")) or not re.fullmatch("[0-9]{1,4}", row[0]) or not row[2].startswith("GPU-"):
        raise ParseError(f"this is no line of a GPU: {', '.join(row)[:120]}")
    index, name, uuid, bus_id, driver, temperature = (value.strip() for value in row)
    return Gpu(int(index), name, uuid, bus_id, driver, _figure(temperature))


def _figure(value: str) -> float | None:
    if value in NOT_THERE:
        return None
    try:
        return float(value.split(maxsplit=1)[0])
    except ValueError:
        raise ParseError(f"{value[:40]!r} is no figure") from None


def _health(reading: Reading) -> str:
    if reading.exit == 0:
        return "answers"
    return (reading.out.strip() or reading.err.strip() or f"exit {reading.exit}").splitlines()[0][:200]


class GpuFacts(Facts):
    """The GPUs of a node and whether nvidia-smi works at all."""

    health: str = fact("nvidia-smi -L", _health, timeout_s=15)
    gpus: tuple[Gpu, ...] = fact(f"nvidia-smi --query-gpu={_FIELDS} --format=csv,noheader", parse_gpus, timeout_s=15)

    @property
    def uuids(self) -> tuple[str, ...]:
        """The UUIDs in order of index."""
        return tuple(gpu.uuid for gpu in self.gpus)

    @property
    def hottest_c(self) -> float:
        """The highest temperature, in degrees Celsius.

        Raises:
            UnknownFact: No GPU tells one.
        """
        known = [gpu.temperature_c for gpu in self.gpus if gpu.temperature_c is not None]
        if not known:
            raise UnknownFact(f"no GPU of {self.node.name} tells its temperature")
        return max(known)
