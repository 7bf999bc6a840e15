"""The first cluster.yaml: what was found, with a word on each line that a person may want to change."""

import re
from collections.abc import Iterable, Iterator

import yaml

from cluster.discovery.survey import Found
from cluster.inventory import Image, Ssh
from cluster.inventory_file import parse_inventory
from cluster.printable import printable

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def draft(found: Iterable[Found], ssh: Ssh) -> str:
    """Write an inventory of what was found; what is no node, or was not reached, is a comment that says why.

    Raises:
        InventoryError: It would be none; the message says why.
    """
    told = list(found)
    nodes = [one for one in told if one.trouble is None or one.candidate.found_by == "named"]
    text = "\n".join(
        [
            "# A cluster for Spark Runbook; docs/inventory.md explains every key. Next: pytest runbook --plan",
            "",
            "nodes:  # the first one is the manager, and rank 0",
            *_nodes(nodes, ssh),
            *(
                f"  # not taken: {printable(one.candidate.address)}: {printable(one.in_words)}"
                for one in told
                if one not in nodes
            ),
            "",
            *_ssh(nodes, ssh),
            "# recipe: llama3-8b-lora  # what --train full runs; the names are those in workloads/recipes",
            "# image:",
            f"#   base: {Image().base}  # what --fix builds the training image on; one of your own is `name`",
            "",
        ]
    )
    parse_inventory(text, "the inventory to be written")
    return text


def _nodes(nodes: list[Found], ssh: Ssh) -> Iterator[str]:
    taken: set[str] = set()
    for one in nodes:
        name = _free_name(one, taken)
        taken.add(name.lower())
        keys: dict[str, object] = {"name": name}
        if one.candidate.address != name:
            keys["address"] = one.candidate.address
        if one.candidate.port and one.candidate.port != ssh.port:
            keys["port"] = one.candidate.port
        if one.user and one.user != _common_user(nodes):
            keys["user"] = one.user
        entry = yaml.safe_dump([keys], sort_keys=False, width=4096).splitlines()
        yield f"  {entry[0]}  # {printable(one.in_words)}"
        yield from (f"  {line}" for line in entry[1:])


def _ssh(nodes: list[Found], ssh: Ssh) -> Iterator[str]:
    keys: dict[str, object] = {}
    if user := _common_user(nodes):
        keys["user"] = user
    if ssh.port:
        keys["port"] = ssh.port
    if ssh.key:
        keys["key"] = str(ssh.key)
    if str(ssh.config) != str(Ssh().config):
        keys["config"] = str(ssh.config)
    if str(ssh.known_hosts) != str(Ssh().known_hosts):
        keys["known_hosts"] = str(ssh.known_hosts)
    if keys:
        yield from [*yaml.safe_dump({"ssh": keys}, sort_keys=False, width=4096).splitlines(), ""]


def _common_user(nodes: list[Found]) -> str | None:
    users = {one.user for one in nodes if one.user}
    return users.pop() if len(users) == 1 else None


def _free_name(one: Found, taken: set[str]) -> str:
    short = one.name.split(".")[0]
    base = short if _NAME.fullmatch(short) and not short.isdecimal() else f"spark-{len(taken) + 1}"
    return next(
        name for name in [base, *(f"{base}-{number}" for number in range(2, 1000))] if name.lower() not in taken
    )
