"""Step 9: the accelerate configuration that lies on a node, and the ports that are taken there."""

from shlex import quote
from typing import TYPE_CHECKING

from cluster.facts.base import Facts, Reading, contents, fact
from cluster.facts.parse import lines, succeeded

if TYPE_CHECKING:
    from cluster.node import Node

ACCELERATE_YAML = "accelerate.yaml"


def _ports(reading: Reading) -> frozenset[int]:
    ports = (line.split()[3].rpartition(":")[2] for line in lines(reading) if len(line.split()) > 3)
    return frozenset(int(port) for port in ports if port.isdecimal() and len(port) <= 5)


def _configuration(node: "Node") -> str:
    return contents(f"{quote(node.cluster.workspace)}/{ACCELERATE_YAML}")


class ConfigFacts(Facts):
    """The file as it is (empty where there is none), and the TCP ports somebody listens on."""

    accelerate: str = fact(_configuration, succeeded, root=True)
    listening: frozenset[int] = fact("ss -Htln", _ports)
