"""Step 1 on recorded output: what netplan says of the fabric, and addresses that are there twice."""

from base64 import b64encode

import pytest
import yaml

from cluster.facts.base import Reading
from cluster.facts.netplan import NetplanFacts
from cluster.facts.network import NetworkFacts
from engine.network_change import WriteNetplan
from fixers import addresses as fixer
from reports.outcome import Outcome
from runbook import test_01_network as step_01
from runbook.causes import fabric as why
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import PORT, TWIN, addresses, failed, links, ports

GOOD = {
    PORT: "{optional: true, addresses: [192.168.101.1/24]}",
    TWIN: "{optional: true, addresses: [192.168.100.1/24]}",
}


def tell_netplan(spark: Recorded, mode: str = "600", path: str = "/etc/netplan/50-mine.yaml", **differs: str) -> None:
    entries = "".join(f"    {name}: {entry}\n" for name, entry in {**GOOD, **differs}.items())
    text = f"network:\n  ethernets:\n{entries}"
    file = f"{mode} {path} {b64encode(text.encode()).decode()}\n"
    spark.said(NetplanFacts, "spark-1", entries=text, files=file)


@pytest.mark.parametrize("mode", ["644", "640", "604"])
def test_a_file_that_others_may_read(spark: Recorded, mode: str) -> None:
    tell_netplan(spark, mode)
    verdict = spark.judge(step_01.test_netplan_is_private, "spark-1")
    assert "may hold passwords" in failed(verdict)
    assert verdict.found == "/etc/netplan/50-mine.yaml"


def test_a_file_that_netplan_does_not_understand(spark: Recorded) -> None:
    told = "/etc/netplan/50-mine.yaml:4:7: Invalid YAML: inconsistent indentation:\n      addresses: []\n      ^\n"
    spark.said(NetplanFacts, "spark-1", complaint=Reading("netplan get", 0, "", told))
    cause = failed(spark.judge(step_01.test_netplan_is_valid, "spark-1"))
    assert "/etc/netplan/50-mine.yaml:4:7: Invalid YAML: inconsistent indentation" in cause
    assert "addresses" not in cause


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("{optional: true}", "hand"),
        ("{optional: true, addresses: [192.168.101.7/24]}", "192.168.101.7"),
    ],
)
def test_addresses_that_a_reboot_loses_or_changes(spark: Recorded, entry: str, cause: str) -> None:
    tell_netplan(spark, **{PORT: entry})
    told = spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1")
    assert cause in f"{failed(told)} {told.found}"


def test_an_address_that_is_only_planned_was_set_by_nobody(spark: Recorded) -> None:
    tell_netplan(spark, **{PORT: "{optional: true}"})
    assert why.lost_at_boot(spark.cluster["spark-1"]).endswith("a reboot loses it")
    spark.said(NetworkFacts, "spark-1", links=links(1, **{PORT: {"addr_info": []}}), ports=ports())
    assert why.lost_at_boot(spark.cluster["spark-1"]) == f"netplan knows no address of {PORT}"


def test_addresses_in_a_file_that_goes_with_the_next_reboot(spark: Recorded) -> None:
    tell_netplan(spark, path="/run/netplan/50-mine.yaml")
    assert "/run" in failed(spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1"))


def test_an_address_by_dhcp_is_left_to_a_person(spark: Recorded) -> None:
    tell_netplan(spark, **{PORT: "{dhcp4: true}"})
    leased: dict[str, dict[str, object]] = {
        PORT: {"addr_info": [one | {"dynamic": True} for one in addresses("192.168.101.1/24")]}
    }
    spark.said(NetworkFacts, "spark-1", links=links(1, **leased), ports=ports())
    verdict = spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1")
    assert failed(verdict) == f"{PORT} has an address by DHCP, which may be another one after a reboot"
    assert [change.risk for change in verdict.changes] == ["human"]
    assert f"give {PORT} on spark-1 the fixed address 192.168.101.1/24" in str(verdict.remedy)


@pytest.mark.parametrize("place", ["network", "ethernets"])
def test_boot_waits_for_nothing_that_networkmanager_brings_up(spark: Recorded, place: str) -> None:
    ethernets: dict[str, object] = {
        PORT: {"addresses": ["192.168.101.1/24"]},
        TWIN: {"addresses": ["192.168.100.1/24"]},
    }
    network: dict[str, object] = {"version": 2, "ethernets": ethernets}
    (network if place == "network" else ethernets)["renderer"] = "NetworkManager"
    spark.said(NetplanFacts, "spark-1", entries=yaml.safe_dump({"network": network}))
    assert spark.judge(step_01.test_boot_does_not_wait, "spark-1").outcome is Outcome.PASSED


def test_an_interface_that_boot_waits_for(spark: Recorded) -> None:
    tell_netplan(spark, **{PORT: "{addresses: [192.168.101.1/24]}"})
    verdict = spark.judge(step_01.test_boot_does_not_wait, "spark-1")
    assert "boot waits two minutes" in failed(verdict)
    assert verdict.found == PORT


def test_an_address_that_is_on_two_nodes(spark: Recorded) -> None:
    copied: dict[str, dict[str, object]] = {PORT: {"addr_info": addresses("192.168.101.1/24")}}
    spark.said(NetworkFacts, "spark-2", links=links(2, **copied))
    verdict = spark.judge(step_01.test_addresses_are_unique)
    assert "two nodes have one address" in failed(verdict)
    assert verdict.found == "192.168.101.1 (spark-1 and spark-2)"


def test_an_address_that_networkmanager_refuses_since_a_peer_has_it(spark: Recorded) -> None:
    bare: dict[str, dict[str, object]] = {PORT: {"addr_info": []}}
    spark.said(NetworkFacts, "spark-2", links=links(2, **bare))
    entries = f"network: {{ethernets: {{{PORT}: {{addresses: [192.168.101.1/24]}}}}}}"
    file = f"600 /etc/netplan/40-cx7.yaml {b64encode(entries.encode()).decode()}\n"
    spark.said(NetplanFacts, "spark-2", entries=entries, files=file)
    verdict = spark.judge(step_01.test_addresses_are_unique)
    assert "two nodes have one address" in failed(verdict)
    assert verdict.found == "192.168.101.1 (spark-1 and spark-2)"


@pytest.mark.parametrize("dhcp", ["true", "yes"])
def test_an_address_by_chance_beside_the_planned_one_is_switched_off(spark: Recorded, dhcp: str) -> None:
    def entries() -> dict[str, dict[str, object]]:
        (change,) = fixer.assign(spark.cluster["spark-1"])
        assert isinstance(change, WriteNetplan)
        written = yaml.safe_load(change.content)["network"]["ethernets"]
        assert isinstance(written, dict)
        return written

    other = f"{{dhcp4: {dhcp}, addresses: [192.168.101.1/24]}}"
    tell_netplan(spark, **{PORT: other})
    assert {name: entry.get("dhcp4") for name, entry in entries().items()} == {PORT: False, TWIN: None}
    # Once our file is there, netplan's own view of both says no more that the other asks for it.
    ours = b64encode(f"network: {{ethernets: {{{PORT}: {{dhcp4: false}}}}}}".encode()).decode()
    theirs = b64encode(f"network: {{ethernets: {{{PORT}: {other}}}}}".encode()).decode()
    spark.said(
        NetplanFacts,
        "spark-1",
        entries=f"network: {{ethernets: {{{PORT}: {{dhcp4: false, addresses: [192.168.101.1/24]}}}}}}",
        files=f"600 /etc/netplan/60-spark-runbook.yaml {ours}\n600 /etc/netplan/50-mine.yaml {theirs}\n",
    )
    assert entries()[PORT]["dhcp4"] is False
