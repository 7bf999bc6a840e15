"""Names and addresses of the lab's networks."""

import pytest

from lab.addresses import INTERFACES, free_network, hardware_address, host_address, host_link, node_address
from lab.errors import LabError


def test_nodes_count_from_eleven_and_the_host_is_one() -> None:
    assert host_address(0) == "10.77.0.1"
    assert node_address(0, 1) == "10.77.0.11"
    assert node_address(3, 2) == "10.77.3.12"


def test_the_first_network_is_taken_when_the_host_routes_none_of_them() -> None:
    assert free_network(["default", "192.0.2.0/24", "127.0.0.0/8", "192.0.2.1"]) == 0


def test_a_network_that_is_routed_is_passed_over() -> None:
    assert free_network(["10.77.0.0/24", "10.77.1.7"]) == 2


def test_a_host_that_routes_all_of_them_is_told_so() -> None:
    with pytest.raises(LabError, match="take a lab down"):
        free_network(["10.0.0.0/8"])


def test_a_default_route_is_no_obstacle() -> None:
    assert free_network(["0.0.0.0/0"]) == 0


def test_no_two_interfaces_of_a_lab_share_a_hardware_address() -> None:
    every = {hardware_address(255, number, name) for number in range(1, 65) for name in INTERFACES}
    assert len(every) == 64 * len(INTERFACES)


def test_the_hosts_link_has_a_name_that_the_kernel_takes() -> None:
    assert len(host_link(255)) <= 15
