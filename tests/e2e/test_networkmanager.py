"""Step 1 where NetworkManager brings all interfaces up, as it does on a desktop, and on DGX OS."""

from collections.abc import Iterator

import pytest

from tests.e2e.lab import Lab, Result, gives_back, has_nothing_to_do, told

pytestmark = pytest.mark.lab

NODES = ("spark-1", "spark-2")
FABRIC = ("enp1s0f1np1", "enP2p1s0f1np1")

# The management network as well: that is what SSH comes in by.
_GIVE = """\
sed -i 's/renderer: networkd/renderer: NetworkManager/' /etc/netplan/50-management.yaml
systemctl unmask NetworkManager.service && systemctl enable NetworkManager.service && netplan apply
"""
_STATE = "nmcli --terse --fields DEVICE,STATE device"
_UP = (
    f"for i in $(seq 60); do {_STATE} | grep -q '^{{interface}}:connected' && exit 0; sleep 0.5; done; {_STATE}; exit 1"
)


@pytest.fixture(scope="module")
def managed(lab: Lab) -> Iterator[Lab]:
    """Bare nodes whose interfaces are all NetworkManager's."""
    lab.do("restore", "bare")
    for node in NODES:
        lab.on(node, _GIVE)
        lab.on(node, _UP.format(interface="enP7s7"))
    yield lab
    lab.do("restore", "bare")


@pytest.fixture(scope="module")
def before(managed: Lab) -> set[str]:
    return managed.states()


@pytest.fixture(scope="module")
def fixed(managed: Lab, before: set[str]) -> Result:
    del before  # the state is taken first
    return managed.runbook("--fix", "--train", "none")


def test_fix_ends_ready(fixed: Result) -> None:
    assert fixed.exit == 0, told(fixed)


@pytest.mark.parametrize("interface", FABRIC)
def test_networkmanager_has_the_addresses(managed: Lab, fixed: Result, interface: str) -> None:
    del fixed
    for node in NODES:
        managed.on(node, _UP.format(interface=interface))


def test_they_are_there_again_after_a_reboot(managed: Lab, fixed: Result) -> None:
    del fixed
    managed.do("power", "spark-2", "off")
    managed.do("power", "spark-2", "on")
    managed.on("spark-2", _UP.format(interface=FABRIC[0]))
    has_nothing_to_do(managed)


def test_undo_leaves_the_nodes_as_they_were(managed: Lab, before: set[str], fixed: Result) -> None:
    gives_back(managed, fixed, before)
