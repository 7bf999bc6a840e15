"""Step 9: the accelerate configuration that lies on a node, and the ports that are taken there."""

import re
from shlex import quote
from typing import TYPE_CHECKING

from cluster.facts.base import Facts, Reading, contents, fact
from cluster.facts.parse import lines, succeeded

if TYPE_CHECKING:
    from cluster.node import Node

ACCELERATE_YAML = "accelerate.yaml"


def _listeners(reading: Reading) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in lines(reading):
        words = line.split()
        port = words[3].rpartition(":")[2] if len(words) > 3 else ""
        if port.isdecimal() and len(port) <= 5:
            program = re.search(r'"([^"]*)",pid=(\d+)', line)
            found[int(port)] = f"{program[1]} (process {program[2]})" if program else "a program that ss does not name"
    return found


def _configuration(node: "Node") -> str:
    return contents(f"{quote(node.cluster.workspace)}/{ACCELERATE_YAML}")


class ConfigFacts(Facts):
    """The file as it is (empty where there is none), and the TCP ports that programs listen on, with the program."""

    is_local = True

    accelerate: str = fact(_configuration, succeeded, root=True)
    listeners: dict[int, str] = fact("ss -Htlnp", _listeners, root=True)
