"""The user's own ssh_config decides where a node is, unless the inventory says otherwise."""

from pathlib import Path

import pytest

from cluster.errors import InventoryError
from cluster.inventory import NodeEntry, Ssh
from cluster.ssh import SshConnection
from cluster.ssh_target import ssh_target
from tests.sshd import Sshd


def _config(folder: Path, text: str) -> Ssh:
    path = folder / "ssh_config"
    path.write_text(text)
    return Ssh(config=path, known_hosts=folder / "known_hosts")


def _refusal(ssh: Ssh) -> str:
    with pytest.raises(InventoryError) as refused:
        ssh_target(NodeEntry(name="spark"), ssh)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_alias_brings_host_port_user_and_key(tmp_path: Path, home: Path) -> None:
    ssh = _config(
        tmp_path,
        "Host spark\n HostName 10.0.0.9\n Port 2222\n User nvidia\n"
        " IdentityFile ~/.ssh/none\n IdentityFile ~/.ssh/spark\n",
    )
    (home / ".ssh").mkdir()
    (home / ".ssh/spark").touch()
    target = ssh_target(NodeEntry(name="spark"), ssh)
    assert (target.host, target.port, target.user) == ("10.0.0.9", 2222, "nvidia")
    assert target.keys == (home / ".ssh/spark",)


def test_the_inventory_wins_over_ssh_config(tmp_path: Path) -> None:
    ssh = _config(tmp_path, "Host spark\n Port 2222\n User nvidia\n IdentityFile /keys/a\n")
    target = ssh_target(NodeEntry(name="spark", port=22, user="me", key=Path("/keys/b")), ssh)
    assert (target.port, target.user, target.keys) == (22, "me", (Path("/keys/b"),))


def test_the_address_is_the_alias_where_there_is_one(tmp_path: Path) -> None:
    ssh = _config(tmp_path, "Host door\n HostName 10.0.0.7\n")
    assert ssh_target(NodeEntry(name="spark", address="door"), ssh).host == "10.0.0.7"


def test_without_ssh_config_the_name_is_the_address(tmp_path: Path) -> None:
    target = ssh_target(NodeEntry(name="spark"), Ssh(config=tmp_path / "none"))
    assert (target.host, target.port, target.user) == ("spark", 22, None)


def test_a_jump_has_its_own_user_and_port(tmp_path: Path) -> None:
    ssh = _config(tmp_path, "Host spark\n ProxyJump me@gate:2200\nHost gate\n HostName 10.0.0.1\n")
    jump = ssh_target(NodeEntry(name="spark"), ssh).jump
    assert jump is not None
    assert (jump.name, jump.host, jump.port, jump.user) == ("the jump host gate", "10.0.0.1", 2200, "me")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Host *\n ProxyJump gate\n", "leads in a circle"),
        ("Host spark\n ProxyJump a,b\n", "ProxyJump a,b names several hosts"),
        ("Host spark\n ProxyJump gate:ssh\n", "ProxyJump gate:ssh cannot be understood"),
        ("Host spark\n ProxyJump 'x;y@gate'\n", "cannot be understood"),
        ("Host spark\n Port ssh\n", "Port ssh of spark is no number"),
        ("Host 'a\n", "cannot be read as an ssh_config"),
        ("Match nonsense\n", "cannot be read as an ssh_config"),
    ],
)
def test_an_ssh_config_that_cannot_be_used_is_told_with_its_file(tmp_path: Path, text: str, told: str) -> None:
    ssh = _config(tmp_path, text)
    assert _refusal(ssh).startswith(str(ssh.config))
    assert told in _refusal(ssh)


def test_an_ssh_config_that_is_no_text_is_told_with_its_file(tmp_path: Path) -> None:
    ssh = _config(tmp_path, "")
    ssh.config.write_bytes(b"Host \xff\xfe\n")
    assert _refusal(ssh).startswith(f"{ssh.config} cannot be read as an ssh_config")


def test_a_real_node_is_reached_by_its_alias_and_through_itself(tmp_path: Path, sshd: Sshd) -> None:
    way = f" HostName 127.0.0.1\n Port {sshd.port}\n User root\n IdentityFile {sshd.key}\n"
    ssh = _config(tmp_path, f"Host spark\n{way} ProxyJump gate\nHost gate\n{way}")
    ssh.known_hosts.write_text(sshd.known_hosts_line)
    connection = SshConnection(ssh_target(NodeEntry(name="spark"), ssh))
    connection.open()
    assert connection.run("echo there", stdin=b"", deadline_s=10).out == "there\n"
    connection.close()


def test_a_name_is_looked_up_in_lower_case_as_ssh_does(tmp_path: Path) -> None:
    target = ssh_target(NodeEntry(name="spark", address="Spark-1.Local"), _config(tmp_path, ""))
    assert (target.host, target.known_as) == ("Spark-1.Local", "spark-1.local")


def test_what_paramiko_cannot_follow_is_one_sentence(tmp_path: Path) -> None:
    ssh = _config(tmp_path, "CanonicalizeHostname yes\n")
    with pytest.raises(InventoryError, match="what it says of spark cannot be followed: KeyError"):
        ssh_target(NodeEntry(name="spark"), ssh)


def test_what_is_included_and_matched_is_heeded_as_ssh_does(tmp_path: Path, home: Path) -> None:
    included = tmp_path / "sync of a maker/ssh_config"
    included.parent.mkdir()
    included.write_text("Host spark\n HostName 10.0.0.9\n Port 2222\n ProxyCommand nc %h %p\n")
    (home / ".ssh").mkdir()
    (home / ".ssh/spark").touch()
    ssh = _config(
        tmp_path,
        f'Include "{tmp_path}/sync*/ssh_config"\nMatch exec "test -d {tmp_path}" user nvidia\n'
        f" IdentityFile {home}/.ssh/spark\nMatch exec false\n HostName 10.0.0.8\n",
    )
    target = ssh_target(NodeEntry(name="spark", user="nvidia"), ssh)
    assert (target.host, target.port, target.user) == ("10.0.0.9", 2222, "nvidia")
    assert (target.proxy_command, target.keys) == ("nc 10.0.0.9 2222", (home / ".ssh/spark",))
    assert ssh_target(NodeEntry(name="spark", user="me"), ssh).keys == ()


def test_without_ssh_what_it_alone_can_follow_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = _config(tmp_path, "Include other\nHost spark\n Port 2222\n")
    assert ssh_target(NodeEntry(name="spark"), ssh).port == 2222
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "asking ssh, which is not installed here: install openssh-client" in _refusal(ssh)


def test_an_ssh_that_hangs_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.ssh_config.LONGEST_S", 0.2)
    assert "`ssh -G` did not answer within" in _refusal(_config(tmp_path, 'Match exec "sleep 5"\n Port 1\n'))
