"""What a rule of iptables is about, as far as it concerns packets that a peer sends."""

import shlex
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Rule:
    """What a rule of `iptables -S` is about, empty where it is about anything; `other` has what is not known here."""

    target: str
    interface: str = ""
    source: str = ""
    protocol: str = ""
    port: str = ""
    other: bool = False

    def concerns(self, port: str, interface: str, source: IPv4Address) -> bool:
        """Whether a new packet to PORT/PROTOCOL from a source meets this rule."""
        number, _, protocol = port.partition("/")
        return (
            not self.other
            and _fits(self.interface, interface)
            and self.protocol in ("", "all", protocol)
            and self.port in ("", number)
            and (not self.source or source in IPv4Network(self.source, strict=False))
        )

    def may_let_in(self, port: str, interface: str, source: IPv4Address) -> bool:
        """Whether it may accept such a packet, or hand it on to rules that do, as far as can be told here."""
        if self.target in ("DROP", "REJECT", "LOG", "RETURN"):
            return False
        return self.other or self.concerns(port, interface, source)


def _fits(pattern: str, interface: str) -> bool:
    return interface.startswith(pattern[:-1]) if pattern.endswith("+") else pattern in ("", interface)


_OPTIONS = {"-j": "target", "-i": "interface", "-s": "source", "-p": "protocol", "--dport": "port"}
_SAY_NOTHING = {"-A", "-m", "--comment", "--reject-with"}


def parse_rule(text: str) -> Rule:
    """Read one line of `iptables -S`; one with conditions beyond ours concerns nobody, as far as we can tell."""
    try:
        words = shlex.split(text)
        options = dict(zip(words[::2], words[1::2], strict=True))
        if "-s" in options:
            IPv4Network(options["-s"], strict=False)
    except ValueError:
        return Rule("", other=True)
    if "NEW" not in options.get("--ctstate", options.get("--state", "NEW")).split(","):
        return Rule("RETURN", other=True)  # it lets nothing in that has not been in before
    told = {name: options.get(option, "") for option, name in _OPTIONS.items()}
    return Rule(**told, other=bool(options.keys() - _OPTIONS.keys() - _SAY_NOTHING))
