"""Editing a netplan file that somebody else wrote: addresses go, all else stays as it is written."""

from collections.abc import Container
from ipaddress import IPv4Interface

import yaml

_PLACE = ("network", "ethernets")


def without_addresses(text: str, interface: str, addresses: Container[IPv4Interface]) -> str | None:
    """Take addresses of an interface out of a file, comments and order kept.

    Returns None where the file is not written plainly enough to be sure that nothing else changes.
    """
    found = _listed(text, interface)
    if found is None:
        return None
    key, items = found
    gone = [item for item in items.value if _is_one_of(item.value, addresses)]
    if not gone:
        return None
    left = [item for item in items.value if item not in gone]
    if items.flow_style:
        kept = ", ".join(text[item.start_mark.index : item.end_mark.index] for item in left)
        edited = f"{text[: items.start_mark.index]}[{kept}]{text[items.end_mark.index :]}"
    else:
        lines = text.splitlines(keepends=True)
        for number in sorted({item.start_mark.line for item in gone}, reverse=True):
            del lines[number]
        if not left:
            number, colon = key.end_mark.line, key.end_mark.column + 1
            lines[number] = f"{lines[number][:colon]} []{lines[number][colon:]}"
        edited = "".join(lines)
    return edited if _is_what_was_meant(text, edited, interface, addresses) else None


def _listed(text: str, interface: str) -> tuple[yaml.ScalarNode, yaml.SequenceNode] | None:
    """Find the key `addresses` of an interface, and its list."""
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            return None  # what stands once is meant twice
        node = yaml.compose(text)
    except yaml.YAMLError:
        return None
    key = None
    for name in (*_PLACE, interface, "addresses"):
        if not isinstance(node, yaml.MappingNode):
            return None
        key, node = next(((one, value) for one, value in node.value if one.value == name), (None, None))
    return (key, node) if isinstance(key, yaml.ScalarNode) and isinstance(node, yaml.SequenceNode) else None


def _is_one_of(written: object, addresses: Container[IPv4Interface]) -> bool:
    try:
        return IPv4Interface(written) in addresses
    except ValueError:
        return False


def _is_what_was_meant(text: str, edited: str, interface: str, addresses: Container[IPv4Interface]) -> bool:
    """Whether the two differ by the addresses and by nothing else."""
    try:
        meant, made = yaml.safe_load(text), yaml.safe_load(edited)
        entry = meant["network"]["ethernets"][interface]
        entry["addresses"] = [one for one in entry["addresses"] if not _is_one_of(one, addresses)]
    except (yaml.YAMLError, LookupError, TypeError):
        return False
    return bool(made == meant)
