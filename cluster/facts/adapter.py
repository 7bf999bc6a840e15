"""Step 1: the network adapter as hardware: link speed, PCIe, and what its counters tell of the cable."""

import re
from dataclasses import dataclass

from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines

_NEW_ENCODING_GT = 8.0
"""From PCIe 3.0 (8 GT/s) on, 128 of 130 bits are data, before that 8 of 10."""


@dataclass(frozen=True)
class Pcie:
    """An interface's PCIe link: lanes and GT/s as they are, and as both ends could."""

    lanes: int
    rate: float
    most_lanes: int
    top_rate: float

    @property
    def gbps(self) -> float:
        """What it can carry, in Gb/s in each direction."""
        return round(self.lanes * self.rate * (128 / 130 if self.rate >= _NEW_ENCODING_GT else 0.8), 1)

    def __str__(self) -> str:
        """Write it as lspci does."""
        return f"x{self.lanes} at {self.rate:g} GT/s (it can do x{self.most_lanes} at {self.top_rate:g} GT/s)"


def parse_speeds(reading: Reading) -> dict[str, int | None]:
    """Read `interface Speed: 200000Mb/s` lines into Mb/s; None where there is no link."""
    speeds: dict[str, int | None] = {}
    for line in lines(reading):
        name, _, rest = line.partition(" ")
        found = re.search(r"Speed:\s*(\d{1,9})Mb/s", rest)
        speeds[name] = int(found[1]) if found else None
    return speeds


_PCIE_LINE = re.compile(r"(\S+) (\d{1,3}) ([\d.]{1,6}) GT/s\S* ?\S* (\d{1,3}) ([\d.]{1,6}) GT/s", re.ASCII)


def parse_pcie(reading: Reading) -> dict[str, Pcie]:
    """Read `interface 4 32.0 GT/s PCIe 4 32.0 GT/s PCIe` lines; what a virtual machine hides is left out."""
    found = {}
    for line in lines(reading):
        if (told := _PCIE_LINE.match(line)) and int(told[2]):
            try:
                found[told[1]] = Pcie(int(told[2]), float(told[3]), int(told[4]), float(told[5]))
            except ValueError:
                raise ParseError(f"this is no PCIe link: {line[:80]}") from None
    return found


def parse_counts(reading: Reading) -> dict[str, dict[str, int]]:
    """Read `interface counter: 12` lines."""
    counts: dict[str, dict[str, int]] = {}
    for line in lines(reading):
        if told := re.fullmatch(r"(\S+)\s+(\w+): ?(\d{1,20})", line.strip(), re.ASCII):
            counts.setdefault(told[1], {})[told[2]] = int(told[3])
    return counts


# What has no device behind it is a bridge or the end of a container's cable, of which there may be hundreds.
_EACH = """\
for net in /sys/class/net/*; do
  case "${net##*/}" in e*) ;; *) test -e "$net/device" || continue ;; esac
"""

_SPEEDS = (
    _EACH
    + """\
  if test "$(cat "$net/carrier" 2>/dev/null)" != 1; then echo "${net##*/} Speed: Unknown!"
  elif command -v ethtool >/dev/null; then echo "${net##*/} $(ethtool "${net##*/}" 2>/dev/null | grep 'Speed:')"
  else echo "${net##*/} Speed: $(cat "$net/speed" 2>/dev/null)Mb/s"; fi
done"""
)

_PCIE = """\
for net in /sys/class/net/*; do
  cd "$net/device" 2>/dev/null && test -e current_link_width || continue
  echo "${net##*/} $(cat current_link_width current_link_speed max_link_width max_link_speed | tr '\\n' ' ')"
done"""

# Corrected bits are daily business at these speeds; frames that arrived broken, or a link that went, are not.
_COUNTS = (
    _EACH
    + """\
  name=${net##*/}
  echo "$name carrier_changes: $(cat "$net/carrier_changes")"
  told=
  test "$(cat "$net/carrier" 2>/dev/null)" != 1 || told=$(ethtool -S "$name" 2>/dev/null | grep ' rx_crc_errors_phy: ')
  if test -n "$told"; then echo "$told" | sed "s/^ */$name /"
  else echo "$name rx_crc_errors: $(cat "$net/statistics/rx_crc_errors")"; fi
done"""
)


class AdapterFacts(Facts):
    """By interface: speed in Mb/s, the PCIe link, and counters since boot."""

    speeds: dict[str, int | None] = fact(_SPEEDS, parse_speeds)
    pcie: dict[str, Pcie] = fact(_PCIE, parse_pcie)
    counts: dict[str, dict[str, int]] = fact(_COUNTS, parse_counts)

    def flaps(self, interface: str) -> int:
        """How often its link came or went since boot.

        Raises:
            UnknownFact: The node does not tell.
        """
        return self._counted(interface, "carrier_changes")

    def errors(self, interface: str) -> int:
        """How many frames arrived broken since boot.

        Raises:
            UnknownFact: The node does not tell.
        """
        return self._counted(interface, "rx_")

    def _counted(self, interface: str, counter: str) -> int:
        told = [count for name, count in self.counts.get(interface, {}).items() if name.startswith(counter)]
        if not told:
            raise UnknownFact(f"{self.node.name} does not tell what it counted at {interface}.")
        return sum(told)
