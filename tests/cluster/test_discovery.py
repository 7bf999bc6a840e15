"""`python -m cluster init`: where nodes may be, what is there, and the file that comes of it."""

import json
import re
import socket
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import ServiceInfo, Zeroconf

from cluster.__main__ import main
from cluster.discovery.candidates import Candidate, announced, in_ssh_config, named, neighbours
from cluster.discovery.draft import draft
from cluster.discovery.survey import Found, survey
from cluster.errors import InventoryError
from cluster.inventory import Image, Ssh
from cluster.inventory_file import parse_inventory, read_inventory
from tests.sshd import Sshd


def test_nodes_are_named_as_ssh_names_them() -> None:
    assert list(named(["spark-1", "nvidia@10.0.0.2", "nvidia@spark-3:2222"])) == [
        Candidate("spark-1", "named"),
        Candidate("10.0.0.2", "named", "nvidia"),
        Candidate("spark-3", "named", "nvidia", 2222),
    ]


@pytest.mark.parametrize("word", ["spark-1;reboot", "a b", "spark-1:ssh", "$(id)@spark-1", "spark-1:99999", ""])
def test_what_is_no_name_is_refused_in_one_sentence(word: str) -> None:
    with pytest.raises(InventoryError, match=r"cannot be understood: write HOST"):
        list(named([word]))


def test_hosts_of_ssh_config_that_are_called_like_a_spark_are_candidates(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host spark-* !spark-9\nHost mail\nHost left right\n HostName dgx-7.lan\nHost GX10-1\nHost *\n")
    assert [one.address for one in in_ssh_config(config)] == ["GX10-1", "left", "right"]
    assert list(in_ssh_config(tmp_path / "none")) == []


def test_hosts_in_files_that_ssh_config_includes_are_candidates(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.conf").write_text(f"Host spark-{number}\n HostName 10.0.0.{number}\nHost nas\n")
    (tmp_path / "config").write_text(f"Include {tmp_path}/*.conf config\nMatch host x\n HostName spark-9\n")
    assert [one.address for one in in_ssh_config(tmp_path / "config")] == ["spark-1", "spark-2"]


def test_hosts_that_announce_themselves_are_heard() -> None:
    speaker = Zeroconf(["127.0.0.1"])
    try:
        for name, address in (("spark-7c2a", "10.9.8.7"), ("printer", "10.9.8.6")):
            speaker.register_service(
                ServiceInfo(
                    "_ssh._tcp.local.",
                    f"{name}._ssh._tcp.local.",
                    addresses=[socket.inet_aton(address)],
                    port=22,
                    server=f"{name}.local.",
                )
            )
        # A busy machine may need more than one listening to hear what was said.
        heard = next(filter(None, (announced(2.0, ["127.0.0.1"]) for _ in range(4))), [])
        assert heard == [Candidate("10.9.8.7", "mDNS", name="spark-7c2a")]
    finally:
        speaker.close()


def test_who_answered_on_a_port_of_the_fabric_is_a_neighbour() -> None:
    entries = [
        {"dst": "169.254.3.4", "dev": "enp1s0f1np1", "lladdr": "02:00:00:00:00:01", "state": ["STALE"]},
        {"dst": "169.254.3.5", "dev": "enp1s0f1np1", "state": ["FAILED"]},
        {"dst": "10.0.0.1", "dev": "enP7s7", "lladdr": "02:00:00:00:00:02", "state": ["REACHABLE"]},
    ]
    assert neighbours(json.dumps(entries), ["enp1s0f1np1"]) == [Candidate("169.254.3.4", "neighbour on enp1s0f1np1")]


@given(st.text(max_size=60) | st.recursive(st.none() | st.text(max_size=5), st.lists).map(json.dumps))
def test_no_answer_of_ip_breaks_it(told: str) -> None:
    assert neighbours(told, ["eth0"]) == []


def test_a_machine_that_is_found_twice_is_told_once_and_one_that_is_not_there_says_so(sshd: Sshd) -> None:
    ssh = Ssh(
        user="root",
        port=sshd.port,
        key=sshd.key,
        config=sshd.folder / "none",
        known_hosts=sshd.known_hosts_of(["127.0.0.1", "127.0.0.2"]),
    )
    told = survey(
        [Candidate("127.0.0.1", "named"), Candidate("127.0.0.2", "mDNS"), Candidate("x.invalid", "mDNS")], ssh
    )
    assert [one.candidate.address for one in told] == ["127.0.0.1", "x.invalid"]
    assert told[0].name == socket.gethostname()
    assert told[0].user == "root"
    assert "x.invalid" in str(told[1].trouble)
    assert "candidate-" not in str(told[1].trouble)


def found(address: str, name: str, *, user: str = "nvidia", by: str = "mDNS", trouble: str | None = None) -> Found:
    return Found(Candidate(address, by), name, user, ("NVIDIA GB10",), ("enp1s0f1np1",), "Ubuntu 24.04", name, trouble)


def test_the_file_has_the_nodes_and_says_what_they_are() -> None:
    text = draft([found("10.0.0.1", "spark-a"), found("spark-b", "spark-b.lan")], Ssh())
    inventory = parse_inventory(text, "draft")
    assert [(node.name, node.address) for node in inventory.nodes] == [("spark-a", "10.0.0.1"), ("spark-b", None)]
    assert inventory.ssh.user == "nvidia"
    assert "# NVIDIA GB10, link on enp1s0f1np1, Ubuntu 24.04, found by mDNS" in text


def test_what_may_be_set_is_shown_with_a_value_that_holds() -> None:
    text = draft([found("a", "a")], Ssh())
    uncommented = re.sub(r"(?m)^# (?=recipe:|image:|  base:)", "", text)
    assert parse_inventory(uncommented, "draft").image == Image()
    assert parse_inventory(uncommented, "draft").recipe == "llama3-8b-lora"


def test_users_that_differ_stand_with_their_nodes() -> None:
    inventory = parse_inventory(draft([found("a", "a"), found("b", "b", user="me")], Ssh()), "draft")
    assert [node.user for node in inventory.nodes] == ["nvidia", "me"]
    assert inventory.ssh.user is None


def test_what_is_no_node_is_a_comment_and_what_was_named_stays() -> None:
    text = draft(
        [
            found("a", "a"),
            found("nas", "nas", trouble="it has neither an NVIDIA GPU nor a ConnectX port"),
            found("b", "b", by="named", trouble="b does not answer"),
        ],
        Ssh(),
    )
    assert [node.name for node in parse_inventory(text, "draft").nodes] == ["a", "b"]
    assert "# not taken: nas: it has neither" in text
    assert "# b does not answer" in text


def test_two_machines_of_one_name_get_two() -> None:
    text = draft([found("10.0.0.1", "spark"), found("10.0.0.2", "Spark")], Ssh())
    assert [node.name for node in parse_inventory(text, "draft").nodes] == ["spark", "Spark-2"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_machine_calls_itself_stays_text(name: str, trouble: str) -> None:
    text = draft([found("10.0.0.1", name), found("10.0.0.2", "b", trouble=trouble)], Ssh())
    assert [str(node.address) for node in parse_inventory(text, "draft").nodes] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("option", "given", "told"),
    [
        ("--user", "a b", "--user a b: this has a character or a form that is not allowed here."),
        ("--ssh-config", "~nobody9/x", "--ssh-config ~nobody9/x: there is no home for the ~nobody9 of ~nobody9/x"),
    ],
)
def test_what_nobody_can_use_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, given: str, told: str
) -> None:
    assert main(["init", "spark", option, given, "--output", str(tmp_path / "cluster.yaml")]) == 2
    assert capsys.readouterr().err.startswith(told)


def test_the_command_writes_a_file_once(sshd: Sshd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "cluster.yaml"
    words = ["init", f"root@127.0.0.1:{sshd.port}", "--key", str(sshd.key), "--output", str(output)]
    words += [
        "--known-hosts",
        str(sshd.known_hosts_of(["127.0.0.1", "127.0.0.2"])),
        "--ssh-config",
        str(tmp_path / "none"),
    ]
    assert main(words) == 0
    inventory = read_inventory(output)
    assert (inventory.nodes[0].address, inventory.nodes[0].port) == ("127.0.0.1", sshd.port)
    before = output.read_bytes()
    assert main(words) == 2
    assert "--force" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert main([*words, "--force"]) == 0


def hang_up(server: socket.socket) -> None:
    server.accept()[0].close()


def test_a_host_that_is_no_ssh_server_is_told_in_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closes_at_once:
        Thread(target=hang_up, args=(closes_at_once,), daemon=True).start()
        door = f"127.0.0.1:{closes_at_once.getsockname()[1]}"
        words = ["init", f"root@{door}", "--ssh-config", str(tmp_path / "none"), "--output", str(tmp_path / "c.yaml")]
        assert main(words) == 1
    said = capfd.readouterr()
    assert "does not speak SSH with us" in said.out
    assert said.err == "No node could be looked at, so nothing was written: mend that, and try again.\n"
    assert not (tmp_path / "c.yaml").exists()


def test_one_of_two_that_is_named_and_not_there_stays_with_its_user_and_the_reason(
    sshd: Sshd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "cluster.yaml"
    words = ["init", f"root@127.0.0.1:{sshd.port}", "me@no.invalid", "--key", str(sshd.key), "--output", str(output)]
    words += ["--known-hosts", str(sshd.known_hosts_of(["127.0.0.1"])), "--ssh-config", str(tmp_path / "none")]
    assert main(words) == 0
    assert [node.user for node in read_inventory(output).nodes] == ["root", "me"]
    assert "no name server knows no.invalid: correct it" in capsys.readouterr().out


def test_nobody_found_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.__main__.announced", list)
    monkeypatch.setattr("cluster.__main__.beside_us", list)
    output = tmp_path / "cluster.yaml"
    assert main(["init", "--ssh-config", str(tmp_path / "none"), "--output", str(output)]) == 1
    assert "name them" in capsys.readouterr().err
    assert not output.exists()
