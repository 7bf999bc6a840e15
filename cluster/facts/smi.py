"""What `nvidia-smi -q -x` says of each GPU.

The XML is asked for, and not columns of --query-gpu, because one column that a driver does not know makes that fail as
a whole, and because processes, MIG and the fabric stand in it as well; an element that is not there is not known, and
no more. Names are those of drivers 470 to 580, of which newer ones renamed some.
"""

import re
import xml.etree.ElementTree as Xml
from dataclasses import dataclass

from cluster.facts.base import ParseError

_LOST = re.compile("GPU is lost|fallen off the bus|GPU requires reset|Unknown Error", re.IGNORECASE)
_NOT_TOLD = re.compile(r"\[?(N/A|Not Supported|Not Available|Requested functionality has been deprecated|)]?")
_LARGEST = 4 * 2**20
"""Eight GPUs with all their clocks take a quarter of a megabyte."""

_SLOWDOWNS = {
    "hw_slowdown": "slowed down by hardware",
    "hw_thermal_slowdown": "slowed down by hardware, too hot",
    "hw_power_brake_slowdown": "slowed down by the power supply's brake",
    "sw_thermal_slowdown": "slowed down by the driver, too hot",
}
"""Why clocks are held down where something is wrong; a power cap that is reached under load is how all GPUs work."""


@dataclass(frozen=True)
class Process:
    """A process that holds memory of a GPU; `kind` is C for computing, G for graphics, memory in MiB."""

    pid: int
    kind: str
    name: str
    memory_mib: float | None


@dataclass(frozen=True)
class Link:
    """A PCIe link: generation and lanes, as they are and as they could be."""

    gen: float | None
    gen_max: float | None
    width: float | None
    width_max: float | None

    @property
    def percent(self) -> float | None:
        """Its bandwidth as a share of what it could be; each generation doubles what a lane carries."""
        if not (self.gen and self.gen_max and self.width and self.width_max):
            return None
        return round(100 * self.width / self.width_max * 2 ** min(0, self.gen - self.gen_max), 1)


@dataclass(frozen=True)
class Gpu:
    """One GPU; what it does not have (GB10 has no memory of its own, no power limit) or tell is None."""

    index: int
    name: str
    uuid: str
    bus_id: str
    driver: str
    lost: str | None
    temperature_c: float | None
    memory_total_mib: float | None
    memory_used_mib: float | None
    power_w: float | None
    power_limit_w: float | None
    power_default_w: float | None
    clock_mhz: float | None
    clock_max_mhz: float | None
    link: Link
    slowdowns: tuple[str, ...] | None
    ecc_uncorrected: int | None
    remap_pending: bool | None
    remap_failed: bool | None
    recovery: str | None
    compute_mode: str | None
    persistence: str | None
    fabric: str | None
    mig: bool
    mig_uuids: tuple[str, ...]
    processes: tuple[Process, ...]

    @property
    def unified(self) -> bool:
        """Whether it has no memory of its own and no PCIe slot, as in a GB10: what it tells of both is filler."""
        return self.memory_total_mib is None and not self.mig and self.lost is None


def parse_log(listing: str, log: str) -> tuple[Gpu, ...]:
    """Read the output of `nvidia-smi -L`, which alone has the UUIDs of MIG devices, and of `nvidia-smi -q -x`.

    Raises:
        ParseError: It is no such output.
    """
    root = _document(log)
    driver = (root.findtext("driver_version") or "").strip()
    slices = uuids_by_gpu(listing)
    return tuple(_gpu(index, driver, _Element(one), slices) for index, one in enumerate(root.findall("gpu")))


def _document(log: str) -> Xml.Element:
    # The one danger of XML from a tool of the node's own are entities that grow, and nvidia-smi declares none.
    if len(log) > _LARGEST or "<!ENTITY" in log:
        raise ParseError("it is not the XML of nvidia-smi")
    try:
        root = Xml.fromstring(log)  # noqa: S314 - see above
    except (Xml.ParseError, ValueError) as error:
        raise ParseError(f"it is not XML: {error}") from None
    if root.tag != "nvidia_smi_log":
        raise ParseError(f"it is XML of something else: {root.tag[:40]}")
    return root


class _Element:
    """An element whose parts are asked for by path, under any of the names that drivers gave them."""

    def __init__(self, element: Xml.Element) -> None:
        self.element = element

    def text(self, *paths: str) -> str | None:
        for path in paths:
            value = (self.element.findtext(path) or "").strip()
            if not _NOT_TOLD.fullmatch(value):
                return value
        return None

    def figure(self, *paths: str) -> float | None:
        found = re.match(r"-?\d{1,12}(\.\d{1,6})?(?=\D|$)", self.text(*paths) or "", re.ASCII)
        return float(found[0]) if found else None

    def answer(self, *paths: str) -> bool | None:
        said = self.text(*paths)
        return None if said is None else said == "Yes"

    def lost(self) -> str | None:
        values = (self.text("product_name"), self.text("uuid"), self.text("temperature/gpu_temp"))
        return next((value for value in values if value and _LOST.search(value)), None)


def _gpu(index: int, driver: str, said: _Element, slices: dict[str, tuple[str, ...]]) -> Gpu:
    uuid = said.text("uuid") or ""
    lost = said.lost()
    if not uuid.startswith("GPU-") and lost is None:
        raise ParseError(f"GPU {index} tells no UUID, but {uuid[:60]!r}")
    power = ("gpu_power_readings", "power_readings")
    link = "pci/pci_gpu_link_info"
    return Gpu(
        index=index,
        name=said.text("product_name") or "unnamed",
        uuid=uuid,
        bus_id=said.element.get("id") or said.text("pci/pci_bus_id") or "",
        driver=driver,
        lost=lost,
        temperature_c=said.figure("temperature/gpu_temp"),
        memory_total_mib=said.figure("fb_memory_usage/total"),
        memory_used_mib=said.figure("fb_memory_usage/used"),
        power_w=said.figure(*(f"{one}/{name}" for one in power for name in ("average_power_draw", "power_draw"))),
        power_limit_w=said.figure(
            *(f"{one}/{name}" for one in power for name in ("current_power_limit", "power_limit"))
        ),
        power_default_w=said.figure(*(f"{one}/default_power_limit" for one in power)),
        clock_mhz=said.figure("clocks/sm_clock"),
        clock_max_mhz=said.figure("max_clocks/sm_clock"),
        link=Link(
            said.figure(f"{link}/pcie_gen/current_link_gen"),
            said.figure(f"{link}/pcie_gen/max_link_gen"),
            said.figure(f"{link}/link_widths/current_link_width"),
            said.figure(f"{link}/link_widths/max_link_width"),
        ),
        slowdowns=_slowdowns(said),
        ecc_uncorrected=_uncorrected(said),
        remap_pending=said.answer("remapped_rows/remapped_row_pending", "retired_pages/pending_retirement"),
        remap_failed=said.answer("remapped_rows/remapped_row_failure"),
        recovery=said.text("gpu_recovery_action"),
        compute_mode=said.text("compute_mode"),
        persistence=said.text("persistence_mode"),
        fabric=_fabric(said),
        mig=said.text("mig_mode/current_mig") == "Enabled",
        mig_uuids=slices.get(uuid, ()),
        processes=tuple(_process(_Element(one)) for one in said.element.findall("processes/process_info")),
    )


def _slowdowns(said: _Element) -> tuple[str, ...] | None:
    old, new = "clocks_throttle_reasons/clocks_throttle_reason", "clocks_event_reasons/clocks_event_reason"
    told = {words: said.text(f"{new}_{name}", f"{old}_{name}") for name, words in _SLOWDOWNS.items()}
    if not any(told.values()):
        return None
    return tuple(words for words, state in told.items() if state == "Active")


def _uncorrected(said: _Element) -> int | None:
    volatile = said.element.find("ecc_errors/volatile")
    if volatile is None:
        return None
    counts = [_Element(volatile).figure(part.tag) for part in volatile if "uncorrect" in part.tag]
    known = [int(count) for count in counts if count is not None]
    return sum(known) if known else None


def _fabric(said: _Element) -> str | None:
    state, status = said.text("fabric/state"), said.text("fabric/status")
    return ", ".join(filter(None, [state, status])) or None


def _process(said: _Element) -> Process:
    pid = said.figure("pid")
    if pid is None:
        raise ParseError("a process has no number")
    return Process(int(pid), said.text("type") or "", said.text("process_name") or "?", said.figure("used_memory"))


def uuids_by_gpu(listing: str) -> dict[str, tuple[str, ...]]:
    """Read from `nvidia-smi -L` each GPU's UUID, and those of the MIG devices that it is divided into."""
    found: dict[str, tuple[str, ...]] = {}
    owner = ""
    for uuid in re.findall(r"\(UUID: ((?:GPU|MIG)-[^)\s]+)\)", listing):
        owner = uuid if uuid.startswith("GPU-") else owner
        found[owner] = (*found.get(owner, ()), *([uuid] if uuid.startswith("MIG-") else []))
    return found
