"""What real tools print is understood; samples are recorded from DGX Spark, H100 and Debian machines."""

import json
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.version import Version

from cluster.facts.adapter import parse_speeds
from cluster.facts.base import ParseError, Reading
from cluster.facts.config import _listeners
from cluster.facts.container import _containers
from cluster.facts.docker import parse_details, parse_engine, parse_settings
from cluster.facts.machine import _pretty_name
from cluster.facts.netplan import _FILES, parse_files, parse_netplan
from cluster.facts.network import parse_links, parse_ports
from cluster.facts.parse import by_address, number
from cluster.facts.resources import _disk_places, _disks
from cluster.facts.ssh import _host_keys
from cluster.facts.stack import (
    _by_path,
    _checksums,
    _image_architecture,
    _image_id,
    _models,
    _owners,
    _present,
    _tasks,
    _writable,
)
from cluster.facts.toolkit import parse_toml, parse_version

DATA = Path(__file__).parents[1] / "data"

PORTS = """\
roceP2p1s0f0 port 1 ==> enP2p1s0f0np0 (Down)
roceP2p1s0f1 port 1 ==> enP2p1s0f1np1 (Up)
mlx5_2 port 1 ==> enp1s0f0np0 (Down)
rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)
"""
ENGINE: dict[str, Any] = {
    "ServerVersion": "29.6.1",
    "Runtimes": {"runc": {"path": "runc"}, "nvidia": {"path": "nvidia-container-runtime"}},
    "DefaultRuntime": "nvidia",
    "Architecture": "aarch64",
    "GenericResources": [{"NamedResourceSpec": {"Kind": "NVIDIA_GPU", "Value": "GPU-e69d"}}],
    "Swarm": {
        "NodeID": "abc",
        "NodeAddr": "192.168.100.1",
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "Error": "",
        "RemoteManagers": [{"NodeID": "abc", "Addr": "192.168.100.1:2377"}],
    },
}


def _said(out: str = "", *, err: str = "", exit_status: int = 0) -> Reading:
    return Reading("command", exit_status, out, err)


def _run(command: str) -> Reading:
    return _said(subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout)


def _refusal(parse: Callable[[Reading], object], reading: Reading) -> str:
    with pytest.raises(ParseError) as refused:
        parse(reading)
    return str(refused.value)


def test_docker_info_tells_runtimes_resources_and_swarm() -> None:
    engine = parse_engine(_said(json.dumps(ENGINE)))
    assert (engine.default_runtime, engine.offers) == ("nvidia", ("NVIDIA_GPU=GPU-e69d",))
    assert (engine.swarm.is_manager, engine.swarm.address) == (True, "192.168.100.1")


def test_resources_that_are_counted_are_spelled_as_daemon_json_does_and_none_are_none() -> None:
    counted = {"DiscreteResourceSpec": {"Kind": "SSD", "Value": 3}}
    assert parse_engine(_said(json.dumps(ENGINE | {"GenericResources": [counted]}))).offers == ("SSD=3",)
    assert parse_engine(_said(json.dumps(ENGINE | {"GenericResources": None}))).offers == ()


def test_what_the_client_alone_tells_says_nothing_of_a_daemon_that_is_off() -> None:
    assert parse_details(_said(json.dumps(ENGINE)))["Driver"] == json.dumps(ENGINE.get("Driver"))
    off = json.dumps({"Architecture": "", "ServerErrors": ["Cannot connect to the Docker daemon"]})
    with pytest.raises(ParseError, match="the daemon does not answer: Cannot connect"):
        parse_details(_said(off))


def test_docker_info_without_a_daemon_is_unknown_though_it_prints_json() -> None:
    printed = (DATA / "docker-info-without-daemon.json").read_text()
    assert "Cannot connect" in _refusal(parse_engine, _said(printed, err="Cannot connect to it", exit_status=1))
    errors = json.dumps(json.loads(printed) | {"ServerErrors": ["Cannot connect to the Docker daemon"]})
    assert _refusal(parse_engine, _said(errors)) == ("the daemon does not answer: Cannot connect to the Docker daemon")


def test_no_daemon_json_is_an_empty_one_and_a_broken_one_is_unknown() -> None:
    assert parse_settings(_said("")) == {}
    assert parse_settings(_said('{"runtimes": {}}\n')) == {"runtimes": {}}
    assert "it is not JSON" in _refusal(parse_settings, _said('{"runtimes": }'))
    assert "no JSON object" in _refusal(parse_settings, _said("[]"))


@pytest.mark.parametrize(
    "settings", ['{"runtimes": 5}', '{"runtimes": []}', '{"node-generic-resources": "A=B"}', '{"default-runtime": 1}']
)
def test_a_daemon_json_of_another_shape_is_unknown(settings: str) -> None:
    assert "its JSON is not what was expected at " in _refusal(parse_settings, _said(settings))


def test_ip_tells_names_states_and_ipv4_addresses() -> None:
    shown = [
        {},
        {"ifname": "lo", "operstate": "UNKNOWN", "mtu": 65536, "addr_info": [
            {"family": "inet", "local": "127.0.0.1", "prefixlen": 8},
            {"family": "inet6", "local": "::1", "prefixlen": 128}]},
        {"ifname": "enp1s0f1np1", "operstate": "UP", "mtu": 9000, "addr_info": []},
    ]  # fmt: skip
    links = parse_links(_said(json.dumps(shown)))
    assert links["lo"].addresses == (IPv4Interface("127.0.0.1/8"),)
    assert (links["enp1s0f1np1"].up, links["lo"].up, len(links)) == (True, False, 2)


def test_models_are_told_by_the_hubs_own_names(tmp_path: Path) -> None:
    for name in ("models--org--name-1.5_x", "models--a\n.ssh", "datasets--org--d", "other"):
        (tmp_path / "hub" / name).mkdir(parents=True)
    node: Any = SimpleNamespace(cluster=SimpleNamespace(model_cache=str(tmp_path)))
    told = _run(_models(node)).out
    assert sorted(told.splitlines()) == [f"{tmp_path}/hub/datasets--org--d", f"{tmp_path}/hub/models--org--name-1.5_x"]


def test_ports_are_read_in_any_order_and_under_any_device_name() -> None:
    assert parse_ports(_said(PORTS)) == {
        "enP2p1s0f0np0": False,
        "enP2p1s0f1np1": True,
        "enp1s0f0np0": False,
        "enp1s0f1np1": True,
    }


def test_a_name_that_a_shell_would_read_is_no_interface() -> None:
    assert parse_links(_said(json.dumps([{"ifname": "eth$(id>x)", "operstate": "UP"}]))) == {}
    assert parse_ports(_said("mlx5 port 1 ==> eth$(id>x) (Up)\n")) == {}


def test_an_interface_without_an_rdma_device_is_one_still() -> None:
    said = (
        "mlx5 port 1 ==> enp1s0f0np0 (Up)\nmlx5 port 1 ==> enp1s0f1np1 (Up)\nrocep1s0f1 port 1 ==> enp1s0f1np1 (Down)\n"
    )
    assert parse_ports(_said(said)) == {"enp1s0f0np0": True, "enp1s0f1np1": False}


def test_speeds_are_megabits_and_no_link_has_none() -> None:
    said = "enp1s0f1np1 \tSpeed: 200000Mb/s\nenP7s7 \tSpeed: 100000Mb/s\nenp1s0f0np0 \tSpeed: Unknown!\nenx \n"
    assert parse_speeds(_said(said)) == {"enp1s0f1np1": 200000, "enP7s7": 100000, "enp1s0f0np0": None, "enx": None}


NETPLAN = """\
network:
  version: 2
  ethernets:
    enp1s0f1np1:
      optional: true
      addresses: [192.168.100.1/24, "fd00::1/64"]
    enP7s7: {dhcp4: true}
"""


def test_netplan_tells_addresses_and_what_boot_waits_for() -> None:
    entries = parse_netplan(_said(NETPLAN))
    assert entries["enp1s0f1np1"].addresses == (IPv4Interface("192.168.100.1/24"),)
    assert (entries["enp1s0f1np1"].optional, entries["enP7s7"].optional) == (True, False)


@pytest.mark.parametrize("said", ["", "network: {}\n", "network:\n  version: 2\n  wifis: {}\n", "network:\n"])
def test_netplan_may_know_no_ethernet(said: str) -> None:
    assert parse_netplan(_said(said)) == {}


def test_netplan_files_come_with_mode_and_content() -> None:
    content = b64encode(NETPLAN.encode()).decode()
    private, public = parse_files(_said(f"600 /etc/netplan/a.yaml {content}\n644 /etc/netplan/b.yaml \n"))
    assert (private.is_private, public.is_private) == (True, False)
    assert "enp1s0f1np1" in private.ethernets
    assert public.ethernets == {}


def test_of_a_link_of_netplan_the_file_counts_and_what_is_no_file_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "netplan"
    folder.mkdir(parents=True)
    (tmp_path / "kept").touch(mode=0o600)
    for name, goal in {"kept": tmp_path / "kept", "masked": Path("/dev/null"), "dangling": tmp_path / "gone"}.items():
        (folder / f"{name}.yaml").symlink_to(goal)
    (file,) = parse_files(_run(re.sub(r"/(?:lib|etc|run)/netplan/", lambda found: f"{tmp_path}{found[0]}", _FILES)))
    assert (file.path, file.mode) == (f"{folder}/kept.yaml", "600")


def test_of_what_is_to_be_made_the_directory_above_counts(tmp_path: Path) -> None:
    gone = str(tmp_path / "it's gone" / "deep")
    node: Any = SimpleNamespace(cluster=SimpleNamespace(workspace=gone, model_cache=str(tmp_path)))
    os.chown(tmp_path, os.geteuid() or 1, os.getegid())
    owner = f"{tmp_path.stat().st_uid}:{tmp_path.stat().st_gid}"
    assert _by_path(_run(_owners(node))) == {gone: owner, str(tmp_path): owner}
    assert _present(_run(_writable(node))) == {gone: True, str(tmp_path): True}


def test_of_a_workspace_that_is_a_link_the_directory_counts(tmp_path: Path) -> None:
    link = tmp_path / "workspace"
    link.symlink_to("/proc")
    os.lchown(link, os.geteuid() or 1, os.getegid())
    node: Any = SimpleNamespace(cluster=SimpleNamespace(workspace=str(link), model_cache="/proc"))
    goal = Path("/proc").stat()
    assert _by_path(_run(_owners(node)))[str(link)] == f"{goal.st_uid}:{goal.st_gid}"
    assert {disk.place: disk.device for disk in _disks(_run(_disk_places(node)))}[str(link)] == goal.st_dev


@pytest.mark.parametrize("line", ["600\n", "600 /etc/netplan/a.yaml !!!\n", "600 /etc/netplan/a.yaml YWJ\n"])
def test_a_netplan_file_that_did_not_arrive_whole_is_unknown(line: str) -> None:
    assert _refusal(parse_files, _said(line))


def test_toolkit_version_and_its_absence() -> None:
    said = "NVIDIA Container Toolkit CLI version 1.20.1\ncommit: dffc40b4\n"
    assert parse_version(_said(said)) == Version("1.20.1")
    assert parse_version(_said(exit_status=127)) == Version("0")
    assert _refusal(parse_version, _said("version one\n")) == "it names no version"


def test_config_toml_as_shipped_names_no_swarm_resource() -> None:
    shipped = 'disable-require = false\n#swarm-resource = "DOCKER_RESOURCE_GPU"\n\n[nvidia-container-cli]\nroot = ""\n'
    assert "swarm-resource" not in parse_toml(_said(shipped))
    named = shipped.replace("#swarm", "swarm")
    assert parse_toml(_said(named))["swarm-resource"] == "DOCKER_RESOURCE_GPU"
    assert "not valid TOML" in _refusal(parse_toml, _said("a = \n"))


def test_the_service_tells_its_tasks_and_may_not_exist() -> None:
    line = {"Name": "x.1", "Node": "spark-1", "DesiredState": "Running", "CurrentState": "Running 2 minutes ago"}
    failed = line | {"CurrentState": "Rejected 1 second ago", "Error": "bind source path does not exist"}
    running, rejected = _tasks(_said(f"{json.dumps(line)}\n{json.dumps(failed)}\n"))
    assert (running.runs, rejected.runs) == (True, False)
    assert rejected.story == "Rejected 1 second ago: bind source path does not exist"
    assert _tasks(_said(err="Error: no such service: x", exit_status=1)) == ()
    assert "permission denied" in _refusal(_tasks, _said(err="permission denied", exit_status=1))


def test_an_image_is_there_or_not_and_everything_else_is_unknown() -> None:
    assert _image_id(_said("sha256:abc arm64\n")) == "sha256:abc"
    assert _image_architecture(_said("sha256:abc arm64\n")) == "arm64"
    assert "no architecture" in _refusal(_image_architecture, _said("sha256:abc \n"))
    assert _image_id(_said("\n", err="Error: No such image: x", exit_status=1)) == ""
    assert "permission denied" in _refusal(_image_id, _said(err="permission denied", exit_status=1))


def test_directories_and_checksums_are_read_by_path() -> None:
    assert _present(_said("yes /srv/a b\nno /srv/c\n")) == {"/srv/a b": True, "/srv/c": False}
    assert _checksums(_said("ab12  ./data/x.json\n")) == {"data/x.json": "ab12"}


def test_a_container_tells_its_environment() -> None:
    told = json.dumps([{"Id": "1", "Name": "/x", "Config": {"Env": ["A=1=2", "ODD"]}}])
    assert _containers(_said(told))[0].environment == {"A": "1=2"}
    assert _containers(_said("")) == ()


def test_small_answers_are_read() -> None:
    shown = 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\nLISTEN 0 9 [::]:29500 [::]:* users:(("python3",pid=7,fd=6))\n'
    assert _listeners(_said(shown)) == {22: "a program that ss does not name", 29500: "python3 (process 7)"}
    assert _pretty_name(_said('NAME="x"\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n')) == "Ubuntu 24.04.3 LTS"
    assert number(_said("1700000000.5\n")) == 1700000000.5
    assert "no number" in _refusal(number, _said("nan\n"))
    assert by_address(_said("10.0.0.1 reached\n10.0.0.2 Permission denied (publickey).\n")) == {
        "10.0.0.1": "reached",
        "10.0.0.2": "Permission denied (publickey).",
    }
    assert _host_keys(_said("# 127.0.0.1:22 SSH-2.0\n127.0.0.1 ssh-ed25519 AAA\n")) == ("ssh-ed25519 AAA",)
