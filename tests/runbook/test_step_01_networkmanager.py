"""Step 1 where netplan's entries are not called as their interfaces: NetworkManager's own, and those that match."""

from base64 import b64encode
from typing import Any

import pytest
import yaml

from cluster.facts.netplan import NetplanFacts
from cluster.facts.network import NetworkFacts
from engine.change import Change, Instruction
from engine.files import FileState
from engine.network_change import WriteNetplan
from fixers import addresses as fixer
from fixers import foreign_settings
from reports.outcome import Outcome
from runbook import test_01_network as step_01
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import PORT, TWIN, failed, links, ports

UUIDS = {PORT: "11111111-1111-4111-8111-111111111111", TWIN: "22222222-2222-4222-8222-222222222222"}
MAC = "4c:bb:47:2b:01:101"
"""Of the port of spark-1; see sparks.link."""


def tell(spark: Recorded, **files: dict[str, Any]) -> None:
    """Let spark-1 have netplan files with these Ethernet entries, by their names without `.yaml`."""
    told, merged = "", dict[str, Any]()
    for name, entries in files.items():
        text = yaml.safe_dump({"network": {"version": 2, "ethernets": entries}})
        told += f"600 /etc/netplan/{name}.yaml {b64encode(text.encode()).decode()}\n"
        for key, entry in entries.items():
            merged[key] = {**merged.get(key, {}), **entry}
    spark.said(NetplanFacts, "spark-1", entries=yaml.safe_dump({"network": {"ethernets": merged}}), files=told)


def connection(interface: str, **entry: Any) -> dict[str, dict[str, Any]]:
    """The file that NetworkManager writes for a connection, recorded but for what is given."""
    uuid = UUIDS[interface]
    written = {
        "renderer": "NetworkManager",
        "match": {"name": interface},
        "wakeonlan": True,
        "networkmanager": {"uuid": uuid, "passthrough": {"connection.interface-name": interface, "proxy._": ""}},
    }
    return {f"90-NM-{uuid}": {f"NM-{uuid}": {**written, **entry}}}


def changes(spark: Recorded) -> list[Change]:
    return list(fixer.assign(spark.cluster["spark-1"]))


def written(change: Change) -> dict[str, Any]:
    assert isinstance(change, WriteNetplan)
    entries = yaml.safe_load(change.content)["network"]["ethernets"]
    assert isinstance(entries, dict)
    return entries


GOOD = {
    **connection(PORT, addresses=["192.168.101.1/24"]),
    **connection(TWIN, addresses=["192.168.100.1/24"]),
}


def test_the_planned_addresses_in_connections_of_networkmanager_are_in_order(spark: Recorded) -> None:
    tell(spark, **GOOD)
    for check in (step_01.test_addresses_survive_a_reboot, step_01.test_boot_does_not_wait):
        assert spark.judge(check, "spark-1").outcome is Outcome.PASSED


def test_a_connection_that_has_the_planned_address_gets_no_rival(spark: Recorded) -> None:
    tell(spark, **connection(PORT, addresses=["192.168.101.1/24"]))
    cause = failed(spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1"))
    assert cause.startswith(f"netplan knows no address of {TWIN}")
    (change,) = changes(spark)
    assert set(written(change)) == {TWIN}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"addresses": ["192.168.101.7/24"]}, f"take 192.168.101.7/24 out of NetworkManager's connection of {PORT}"),
        ({"dhcp4": True}, f"correct NetworkManager's connection of {PORT}"),
    ],
)
def test_a_connection_that_has_another_address_is_left_to_a_person(
    spark: Recorded, entry: dict[str, Any], told: str
) -> None:
    tell(spark, **{**GOOD, **connection(PORT, **entry)})
    failed(spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1"))
    (change,) = changes(spark)
    assert isinstance(change, Instruction)
    assert change.words.startswith(f"{told} on spark-1: `sudo nmcli connection modify {UUIDS[PORT]} ipv4.method manual")
    assert "ipv4.addresses 192.168.101.1/24 && " in change.words


def test_the_mtu_of_a_connection_is_left_to_a_person(spark: Recorded) -> None:
    tell(spark, **GOOD)
    spark.said(NetworkFacts, "spark-1", links=links(1, **{PORT: {"mtu": 9000}}), ports=ports())
    (change,) = [change for change in fixer.align_mtus(spark.cluster) if isinstance(change, Change)]
    assert isinstance(change, Instruction)
    assert f"modify {UUIDS[PORT]} 802-3-ethernet.mtu 1500 &&" in change.words


@pytest.mark.parametrize(
    "match",
    [
        {"match": {"name": PORT}},
        {"match": {"macaddress": MAC.upper()}},
        {"match": {"driver": "mlx5_core"}, "set-name": PORT},
    ],
)
def test_an_entry_that_matches_the_interface_is_the_one_that_is_judged_and_amended(
    spark: Recorded, monkeypatch: pytest.MonkeyPatch, match: dict[str, Any]
) -> None:
    entry = {**match, "addresses": ["192.168.101.7/24"]}
    tell(spark, mine={"cx7": entry, TWIN: {"optional": True, "addresses": ["192.168.100.1/24"]}})
    assert spark.cluster["spark-1"].netplan.awaited([TWIN, PORT]) == (PORT,)
    assert "192.168.101.7/24" in failed(spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1"))
    there = FileState(yaml.safe_dump({"network": {"ethernets": {"cx7": entry}}}).encode(), "600", "0:0")
    monkeypatch.setattr(foreign_settings, "read_file", lambda *_, **__: there)
    theirs, ours = changes(spark)
    assert "addresses" not in written(theirs)["cx7"] or written(theirs)["cx7"]["addresses"] == []
    # Under the same key netplan merges the two; under another they would be rivals.
    assert written(ours)["cx7"]["addresses"] == ["192.168.101.1/24"]
    assert PORT not in written(ours)


def test_an_entry_for_whatever_interface_there_is_tells_nothing_of_the_fabric(spark: Recorded) -> None:
    anywhere = {"match": {}, "addresses": ["10.0.0.1/24"]}
    tell(spark, **GOOD, any={"any": anywhere, "other": {**anywhere, "match": {"macaddress": "00:00:00:00:00:01"}}})
    assert spark.judge(step_01.test_addresses_survive_a_reboot, "spark-1").outcome is Outcome.PASSED


def test_a_pattern_is_for_every_interface_that_it_matches(spark: Recorded) -> None:
    tell(spark, all={"all": {"match": {"name": "en*np1"}, "dhcp4": True}})
    verdict = spark.judge(step_01.test_boot_does_not_wait, "spark-1")
    assert failed(verdict)
    assert verdict.found == f"{PORT}, {TWIN}"
    (change,) = changes(spark)
    assert set(written(change)) == {TWIN, PORT}


@pytest.mark.parametrize(
    ("name", "entry", "told"),
    [
        ("99-mine", {"mtu": 1500}, "take `mtu: 1500`, which has to be 9000, of enp1s0f1np1 out of"),
        ("99-mine", {"dhcp4": True}, "take `dhcp4: true` of enp1s0f1np1 out of"),
        ("99-mine", {"mtu": 9000}, None),
        ("50-mine", {"mtu": 1500, "dhcp4": True}, None),
    ],
)
def test_what_netplan_reads_after_our_file_is_told_to_a_person(
    spark: Recorded, name: str, entry: dict[str, Any], told: str | None
) -> None:
    spark.said(NetworkFacts, "spark-2", links=links(2, enp1s0f1np1={"mtu": 9000}))
    tell(spark, **{name: {PORT: entry}})
    found = list(fixer._configure(spark.cluster["spark-1"], {PORT: 9000}))
    instructions = [change.words for change in found if isinstance(change, Instruction)]
    assert [words.startswith(f"{told}") for words in instructions] == ([True] if told else [])
    assert any(isinstance(change, WriteNetplan) for change in found) == (told is None)
