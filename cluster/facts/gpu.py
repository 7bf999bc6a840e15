"""Step 4: the GPUs, as their own tool, the PCI bus, the driver and the kernel's log tell them."""

import re
from dataclasses import dataclass

from cluster.facts import xid
from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines, succeeded, text, yes
from cluster.facts.smi import Gpu, parse_log
from cluster.facts.xid import Xid

ANSWERS, HANGS, MISSING = "answers", "hangs", "is not installed"

# A GPU that is stuck can hold nvidia-smi in the kernel, where no signal ends it; so it is let go of, and only the grep
# that listens to it is waited for. Serial numbers are nobody's business, and the clocks are hundreds of lines.
_ASK = (
    '( { timeout -k 1 15 nvidia-smi -L && timeout -k 1 20 nvidia-smi -q -x; echo "exit $?"; } </dev/null 2>&1 & )'
    " | timeout 38 grep -vE '<(serial|chassis_serial_number|supported_graphics_clock)>'"
)
_GIVEN_UP = (124, 137)
_LOST = re.compile("GPU is lost|fallen off the bus|Unable to determine the device handle", re.IGNORECASE)

# Without pciutils the same is written from what the kernel itself says.
_BUS = """\
if command -v lspci >/dev/null; then lspci -Dnk -d 10de:; else
for device in /sys/bus/pci/devices/*; do
  test "$(cat "$device/vendor" 2>/dev/null)" = 0x10de || continue
  echo "${device##*/} $(cut -c3-6 "$device/class"): 10de:0000 (rev $(cut -c3- "$device/revision"))"
  test ! -e "$device/driver" || { driver=$(readlink "$device/driver"); echo "	Kernel driver in use: ${driver##*/}"; }
done; fi"""

# The first of a name is the one that programs are given.
_LIBRARIES = """\
for name in libcuda libnvidia-ml; do
  path=$(ldconfig -p | sed -n "s/.*$name\\.so\\.1 (libc6,[^)]*64[^)]*) => //p" | head -n 1)
  test -z "$path" || readlink -f "$path"
done"""


@dataclass(frozen=True)
class Smi:
    """What nvidia-smi said: `health` is ANSWERS, HANGS, MISSING or its own words."""

    health: str
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class OnBus:
    """An NVIDIA GPU on the PCI bus; `gone` when it answers every read with ones, as one that fell off does."""

    place: str
    driver: str | None
    gone: bool


def parse_smi(reading: Reading) -> Smi:
    """Read the output of `nvidia-smi -L && nvidia-smi -q -x`, both streams, and its exit status at the end."""
    said, mark, status = succeeded(reading).rpartition("exit ")
    if not mark or not re.fullmatch(r"\d{1,3}\n?", status, re.ASCII):
        raise ParseError("it broke off")
    exit_status = int(status)
    if exit_status in _GIVEN_UP:
        return Smi(HANGS)
    if exit_status == 127:
        return Smi(MISSING)
    listing, xml, log = said.partition("<?xml")
    if exit_status == 0 and "No devices were found" not in listing:
        return Smi(ANSWERS, parse_log(listing, xml + log))
    # The GPUs that are still well are listed before the complaint about the one that is not.
    complaints = (line for line in listing.splitlines() if line.strip() and "(UUID: " not in line)
    return Smi(next(complaints, f"exit {exit_status}")[:200])


def parse_bus(reading: Reading) -> tuple[OnBus, ...]:
    """Read `lspci -Dnk`; display controllers alone are GPUs (class 03), not their sound or the bridges before them."""
    found = []
    for part in re.split(r"\n(?=\S)", succeeded(reading)):
        device = re.match(r"([0-9a-fA-F]{4,8}:[0-9a-fA-F:.]{7}) 03[0-9a-f]{2}: 10de:\S+(?: \(rev (\w\w)\))?", part)
        driver = re.search(r"Kernel driver in use: (\S+)", part)
        if device:
            found.append(OnBus(device[1].lower(), driver[1] if driver else None, device[2] == "ff"))
    return tuple(found)


def _versions(reading: Reading) -> dict[str, str]:
    # Jetson's carry no driver's version, and those in a folder `compat` are meant to be newer than the driver.
    found = (
        re.fullmatch(r".*/(lib[\w-]+)\.so\.(\d{3}\.[\d.]{1,20})", one)
        for one in lines(reading)
        if "/compat/" not in one
    )
    return {one[1]: one[2] for one in found if one}


def _users(reading: Reading) -> dict[int, str]:
    pairs = (line.split() for line in lines(reading))
    return {int(pair[0]): pair[1] for pair in pairs if len(pair) == 2 and re.fullmatch("[0-9]{1,9}", pair[0])}


def _memory(reading: Reading) -> dict[str, float]:
    found = re.findall(r"^(\w{1,40}): +(\d{1,15}) kB$", succeeded(reading), re.MULTILINE | re.ASCII)
    memory = {name: int(kib) / 1024 for name, kib in found}
    if not memory.get("MemTotal") or "MemAvailable" not in memory:
        raise ParseError("it tells neither MemTotal nor MemAvailable")
    return memory


class GpuFacts(Facts):
    """The GPUs of a node and what is known of them outside their own tool."""

    is_local = True

    smi: Smi = fact(_ASK, parse_smi, timeout_s=45)
    bus: tuple[OnBus, ...] = fact(_BUS, parse_bus)
    module: str = fact("cat /sys/module/nvidia/version 2>/dev/null || true", text)
    libraries: dict[str, str] = fact(_LIBRARIES, _versions)
    users: dict[int, str] = fact("ps -eo pid=,user:32=", _users)
    memory: dict[str, float] = fact("grep -E '^Mem(Total|Available):' /proc/meminfo", _memory)
    in_container: bool = fact("test -e /.dockerenv || test -e /run/.containerenv && echo yes || echo no", yes)
    xids: tuple[Xid, ...] = fact(xid.COMMAND, xid.parse_xids, root=True)

    @property
    def health(self) -> str:
        """How nvidia-smi is; one that cannot even be ended is known to hang, which is an answer as well."""
        reading = self.readings["smi"]
        if reading.exit in _GIVEN_UP:
            self.note(reading)
            return HANGS
        return self.smi.health

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """The GPUs that work, in nvidia-smi's order."""
        return tuple(gpu for gpu in self.smi.gpus if gpu.lost is None)

    @property
    def uuids(self) -> tuple[str, ...]:
        """What programs can be given, in order: each GPU's UUID, or those of its MIG devices."""
        return tuple(uuid for gpu in self.gpus for uuid in (gpu.mig_uuids if gpu.mig else (gpu.uuid,)))

    @property
    def is_lost(self) -> bool:
        """Whether nvidia-smi speaks of a GPU that no longer answers."""
        return bool(_LOST.search(self.health)) or any(gpu.lost for gpu in self.smi.gpus)

    @property
    def on_bus(self) -> tuple[str, ...]:
        """The places of the GPUs that NVIDIA's driver should serve; one handed to virtual machines is not ours."""
        return tuple(sorted(one.place for one in self.bus if one.driver != "vfio-pci"))

    @property
    def served(self) -> tuple[str, ...]:
        """The places of the GPUs that nvidia-smi shows as working, as the bus writes them."""
        return tuple(sorted(_place(gpu.bus_id) for gpu in self.gpus))

    @property
    def versions(self) -> dict[str, str]:
        """The driver's version by each part that tells it: what is loaded, and what programs will load."""
        told = {"nvidia-smi": self.gpus[0].driver if self.gpus else "", "kernel module": self.module, **self.libraries}
        return {part: version for part, version in told.items() if version}

    @property
    def hottest_c(self) -> float | None:
        """The highest temperature, in degrees Celsius, None where no GPU tells one."""
        return max((gpu.temperature_c for gpu in self.gpus if gpu.temperature_c is not None), default=None)

    @property
    def memory_free_percent(self) -> float | None:
        """The share of memory that is free, on the GPU with the least; None where none tells.

        Of unified memory it is what programs can get of the machine's.
        """
        return min((percent for gpu in self.gpus if (percent := self._free_percent(gpu)) is not None), default=None)

    def _free_percent(self, gpu: Gpu) -> float | None:
        if gpu.unified:
            return round(100 * self.memory["MemAvailable"] / self.memory["MemTotal"], 1)
        if gpu.memory_used_mib is None or not gpu.memory_total_mib:
            return None
        return round(100 - 100 * gpu.memory_used_mib / gpu.memory_total_mib, 1)


def _place(bus_id: str) -> str:
    """Write 00000000:01:00.0 as the bus does: 0000:01:00.0."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{domain.lstrip('0'):0>4}:{rest}"
