"""An address goes out of somebody's netplan file, and every other character stays."""

from ipaddress import IPv4Interface

import pytest

from fixers.netplan_files import without_addresses

WRONG = {IPv4Interface("192.168.100.10/24")}
BLOCK = """\
# Copied from the other node.
network:
  version: 2
  ethernets:
    enp1s0f1np1:
      addresses:   # of the fabric
        - 192.168.100.10/24
        - 10.1.2.3/16  # kept
      dhcp4: no
    enP7s7: {dhcp4: true}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BLOCK, BLOCK.replace("        - 192.168.100.10/24\n", "")),
        (
            BLOCK.replace("        - 10.1.2.3/16  # kept\n", ""),
            BLOCK.replace("        - 192.168.100.10/24\n        - 10.1.2.3/16  # kept\n", "").replace(
                "addresses:   #", "addresses: []   #"
            ),
        ),
        (
            "network: {ethernets: {enp1s0f1np1: {addresses: [192.168.100.10/24, '10.1.2.3/16'], mtu: 9000}}}\n",
            "network: {ethernets: {enp1s0f1np1: {addresses: ['10.1.2.3/16'], mtu: 9000}}}\n",
        ),
        (
            "network:\n  ethernets:\n    enp1s0f1np1:\n      addresses: [192.168.100.10/24]\n",
            "network:\n  ethernets:\n    enp1s0f1np1:\n      addresses: []\n",
        ),
    ],
)
def test_it_goes_and_all_else_stays(text: str, expected: str) -> None:
    assert without_addresses(text, "enp1s0f1np1", WRONG) == expected


@pytest.mark.parametrize(
    "text",
    [
        "network: [",
        "network: 1",
        "network: {ethernets: {other: {addresses: [192.168.100.10/24]}}}",
        "network: {ethernets: {enp1s0f1np1: {addresses: 192.168.100.10/24}}}",
        # It stands there twice, by an anchor, and would go in both places or in the wrong one.
        "network: {ethernets: {eth0: &a {addresses: [192.168.100.10/24]}, enp1s0f1np1: *a}}",
        "network: {ethernets: {enp1s0f1np1: {addresses: [192.168.100.10/24: {label: x}]}}}",
    ],
)
def test_what_is_not_plainly_written_is_left(text: str) -> None:
    assert without_addresses(text, "enp1s0f1np1", WRONG) is None
