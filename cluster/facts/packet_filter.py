"""What a rule of iptables is about, as far as it concerns packets that a peer sends."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Rule:
    """What a rule of `iptables -S` is about, empty where it is about anything.

    `other` tells of conditions that are not known here, which can only make it about less.
    """

    target: str
    interface: str = ""
    source: IPv4Network | None = None
    protocol: str = ""
    ports: tuple[range, ...] = ()
    other: bool = False

    def concerns(self, port: str, interface: str, source: IPv4Address) -> bool:
        """Whether a new packet to PORT/PROTOCOL from a source meets this rule."""
        return not self.other and self._may_concern(port, interface, source)

    def may_let_in(self, port: str, interface: str, source: IPv4Address) -> bool:
        """Whether it may accept such a packet, or hand it on to rules that do, as far as can be told here."""
        if self.target in ("DROP", "REJECT", "LOG", "RETURN"):
            return False
        return self._may_concern(port, interface, source)

    def _may_concern(self, port: str, interface: str, source: IPv4Address) -> bool:
        number, _, protocol = port.partition("/")
        return (
            _fits(self.interface, interface)
            and self.protocol in ("", "all", protocol)
            and (not self.ports or any(int(number) in ports for ports in self.ports))
            and (self.source is None or source in self.source)
        )


def _fits(pattern: str, interface: str) -> bool:
    return interface.startswith(pattern[:-1]) if pattern.endswith("+") else pattern in ("", interface)


_KNOWN = {"-j", "-i", "-s", "-p", "--dport", "--dports"}
_SAY_NOTHING = {"-A", "-m", "--comment", "--reject-with"}
# A comment keeps its quotes, so that nothing in it is taken for an option.
_WORD = re.compile(r'"(?:\\.|[^"\\])*"|\S+')


def parse_rule(text: str) -> Rule:
    """Read one line of `iptables -S`; one that cannot be read concerns nobody, as far as we can tell."""
    try:
        told = _options(text)
        if "NEW" not in told.get("--ctstate", told.get("--state", "NEW")).split(","):
            return Rule("RETURN", other=True)  # it lets nothing in that has not been in before
        return Rule(
            target=told.get("-j", ""),
            interface=told.get("-i", ""),
            source=IPv4Network(told["-s"], strict=False) if "-s" in told else None,
            protocol=told.get("-p", ""),
            ports=_ports(told.get("--dport", told.get("--dports", ""))),
            other=bool(told.keys() - _KNOWN - _SAY_NOTHING),
        )
    except ValueError:
        return Rule("", other=True)


def _options(text: str) -> dict[str, str]:
    """Read options with their values; one that is negated has the `!` in its name, and so is none that we know."""
    options: dict[str, str] = {}
    name = ""
    for word in _WORD.findall(text):
        if name == "!" or word == "!" or word.startswith("-"):
            name = f"! {word}" if name == "!" else word
            options[name] = ""
        else:
            options[name] = f"{options.get(name, '')} {word}".lstrip()
    return options


def _ports(text: str) -> tuple[range, ...]:
    """Read `7946`, `7000:8000` or `4789,7000:8000`."""
    bounds = (part.partition(":") for part in text.split(",") if part)
    return tuple(range(int(first), int(last or first) + 1) for first, _, last in bounds)
