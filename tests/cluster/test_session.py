"""Who we are on a node, how we become root there, and which of the two ways a command may take."""

import os
import secrets
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.connection import Said
from cluster.errors import CommandFailed, ReadOnly, SudoRefused, Unreachable
from cluster.node import Node
from tests.cluster.nodes import cluster_over
from tests.cluster.user import User
from tests.sshd import Sshd


@pytest.fixture
def free(sshd: Sshd, user: User) -> Iterator[Node]:
    """A node where sudo asks for nothing."""
    user.may("NOPASSWD: ALL")
    yield from _connected(cluster_over(sshd, user=user.name))


@pytest.fixture
def asked(sshd: Sshd, user: User) -> Iterator[Node]:
    """A node where sudo asks for the password that we have."""
    user.may("ALL")
    yield from _connected(cluster_over(sshd, user=user.name, password=user.password))


@pytest.fixture
def kept_out(sshd: Sshd, user: User) -> Iterator[Node]:
    """A node where sudo asks for a password that we have not."""
    user.may("ALL")
    yield from _connected(cluster_over(sshd, user=user.name))


def _connected(cluster: Cluster) -> Iterator[Node]:
    cluster.connect()
    assert cluster.manager.trouble is None, cluster.manager.trouble
    yield cluster.manager
    cluster.close()


def test_root_needs_no_sudo(here: Cluster) -> None:
    assert here.manager.login.sudo == "none"
    assert here.manager.read("id -u", root=True).out == "0\n"


def test_the_port_of_its_sshd_is_what_the_node_itself_sees(free: Node, sshd: Sshd) -> None:
    assert free.login.port == sshd.port
    assert [key.split() for key in free.ssh.host_keys] == [sshd.known_hosts_line.split()[1:]]


@pytest.mark.parametrize(
    ("told", "address", "port"),
    [
        ("free 10.0.0.9 50000 10.0.0.1 2222", "10.0.0.1", 2222),
        ("free fe80::9%eth0 50000 fe80::1%eth0 22", "fe80::1", 22),
        ("free UNKNOWN 65535 UNKNOWN 65535", "", 22),
        ("free ", "", 22),
    ],
)
def test_a_node_that_is_reached_by_no_network_has_no_address_and_the_usual_port(
    free: Node, monkeypatch: pytest.MonkeyPatch, told: str, address: str, port: int
) -> None:
    answer = Said("id", 0, f"1000\nme\n/home/me\n{told}\n".encode(), b"", 0.0)
    monkeypatch.setattr(free.connection, "run", lambda *_, **__: answer)
    free.connect()
    assert (free.login.sudo, free.login.address, free.login.port) == ("free", address, port)


def test_sudo_without_a_password_is_used_as_it_is(free: Node, user: User) -> None:
    assert (free.login.user, free.login.home, free.login.sudo) == (user.name, user.home, "free")
    assert free.read("id -u", root=True).out == "0\n"
    assert free.read("id -un").out == f"{user.name}\n"


def test_the_password_opens_sudo_and_the_command_gets_its_own_input(asked: Node) -> None:
    assert asked.login.sudo == "password"
    with asked.changes_allowed():
        said = asked.change("id -u; cat", stdin=b"input of the command\n")
    assert said.out == "0\ninput of the command\n"
    assert asked.read("id -u", root=True).out == "0\n"


def test_the_password_opens_the_root_part_of_a_script(asked: Node) -> None:
    assert "docker.service" in asked.docker.readings["active"].command
    assert asked.config.readings["accelerate"].exit == 0


def test_a_held_command_runs_as_root_and_does_not_see_the_password(asked: Node) -> None:
    held = asked.hold("id -u; cat >/dev/null")
    assert held.first_line == "0"
    held.release()


def test_the_password_stands_in_no_command_line(asked: Node, user: User) -> None:
    seen: list[bytes] = []
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, over))
    watcher.start()
    with asked.changes_allowed():
        asked.change("sleep 0.6", stdin=b"x")
        asked.read("sleep 0.3", root=True)
    over.set()
    watcher.join()
    # The watcher did see the very command that was given the password.
    assert any(b"sleep 0.6" in line and b"sudo" in line for line in seen)
    assert [line for line in seen if user.password.encode() in line] == []


def _watch(seen: list[bytes], over: threading.Event) -> None:
    while not over.wait(0.01):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                seen.append(path.read_bytes())


def test_without_the_password_root_is_refused_with_what_to_do(kept_out: Node, user: User) -> None:
    assert kept_out.login.sudo == "refused"
    with pytest.raises(SudoRefused) as refused:
        kept_out.read("id -u", root=True)
    assert str(refused.value) == (
        f"sudo asks for a password on spark-1: rerun with --ask-become-pass, or let {user.name} use sudo without one."
    )


def test_without_the_password_everything_else_is_still_read(kept_out: Node) -> None:
    assert kept_out.machine.kernel
    assert kept_out.config.readings["accelerate"].missing == kept_out.why_no_root


def test_a_wrong_password_is_told_as_such(sshd: Sshd, user: User) -> None:
    user.may("ALL")
    cluster = cluster_over(sshd, user=user.name, password=secrets.token_hex(8))
    cluster.connect()
    assert cluster.manager.login.sudo == "refused"
    assert cluster.manager.why_no_root.startswith("the password given is not accepted on spark-1")
    cluster.close()


def test_a_user_without_sudo_is_refused_root(sshd: Sshd, user: User) -> None:
    user.may(None)
    cluster = cluster_over(sshd, user=user.name, password=user.password)
    cluster.connect()
    assert not cluster.manager.has_root
    cluster.close()


def test_a_login_shell_that_talks_is_told_as_what_it_is(sshd: Sshd, user: User) -> None:
    (Path(user.home) / ".bashrc").write_text("echo Welcome to this node\n")
    cluster = cluster_over(sshd, user=user.name)
    cluster.connect()
    (Path(user.home) / ".bashrc").unlink()
    assert cluster.manager.trouble == (
        "spark-1 prints `Welcome to this node` before every command: take that out of the login files (~/.bashrc) of "
        f"{user.name}, which may talk to a terminal alone."
    )
    cluster.close()


@pytest.mark.parametrize(
    ("wait_s", "trouble"),
    [
        (1.0, None),
        (20, "spark-1 takes commands and answers none within 2 s: it hangs, or the login files of its user do;"),
    ],
)
def test_how_long_a_node_takes_to_answer_is_known_and_has_an_end(
    sshd: Sshd, user: User, wait_s: float, trouble: str | None
) -> None:
    (Path(user.home) / ".bashrc").write_text(f"sleep {wait_s}\n")
    cluster = cluster_over(sshd, user=user.name, command_timeout_s=2)
    cluster.connect()
    (Path(user.home) / ".bashrc").unlink()
    if trouble is None:
        assert wait_s <= cluster.manager.answers_in_s(late_s=2) < 2
        # It was chance: this time it answers at once.
        assert cluster.manager.answers_in_s(late_s=0.9) < wait_s
    else:
        assert str(cluster.manager.trouble).startswith(trouble)
    cluster.close()


def test_a_login_that_runs_no_commands_is_told_as_such(sshd: Sshd, user: User) -> None:
    user.shell("/usr/sbin/nologin")
    cluster = cluster_over(sshd, user=user.name)
    cluster.connect()
    user.shell("/bin/bash")
    assert str(cluster.manager.trouble).startswith("spark-1 lets us in but runs no commands for us: ")
    cluster.close()


def test_a_node_that_does_not_answer_keeps_its_trouble_and_the_others_are_there(sshd: Sshd) -> None:
    cluster = cluster_over(sshd, names=("spark-1", "spark-2", "spark-3"))
    cluster.connect()
    assert [node.name for node in cluster.reached] == ["spark-1", "spark-2"]
    assert "spark-3 (127.0.0.3 port" in str(cluster.nodes[2].trouble)
    with pytest.raises(Unreachable):
        _ = cluster.nodes[2].login
    cluster.close()


def test_nothing_is_changed_while_no_change_is_applied(here: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ReadOnly, match="no change is being applied"):
        here.manager.change(f"touch {tmp_path}/file")
    with here.manager.changes_allowed():
        here.manager.change(f"touch {tmp_path}/file")
    with pytest.raises(ReadOnly):
        here.manager.change(f"rm {tmp_path}/file")
    assert (tmp_path / "file").exists()


def test_the_door_for_changes_closes_after_one_that_failed(here: Cluster) -> None:
    with pytest.raises(CommandFailed, match=r"^`false` on \S+ failed with exit 1: it said nothing$"):
        _change(here.manager, "false")
    with pytest.raises(ReadOnly):
        here.manager.change("true")


def test_a_change_that_does_not_end_is_told_with_its_deadline(here: Cluster) -> None:
    with pytest.raises(CommandFailed, match=r"^`sleep 9` on \S+ did not end within 0.3 s\.$"):
        _change(here.manager, "sleep 9", deadline_s=0.3)


@pytest.mark.parametrize("root", [False, True])
def test_a_command_that_was_given_up_is_ended_by_the_node(free: Node, root: bool) -> None:
    name = f"300.{secrets.randbelow(10**9)}"
    assert free.read(f"sleep {name} | cat", root=root, deadline_s=0.5).exit is None
    until = time.monotonic() + 10
    while time.monotonic() < until and free.read(f"ps -eo args= | grep -Fx 'sleep {name}'").out:
        time.sleep(0.2)
    assert free.read(f"ps -eo args= | grep -Fx 'sleep {name}'").out == ""


def test_what_a_failed_change_said_last_is_told(here: Cluster) -> None:
    with pytest.raises(CommandFailed, match=r"failed with exit 4: the reason$"):
        _change(here.manager, "echo noise >&2; echo the reason >&2; exit 4")


def test_what_a_script_was_to_do_is_told_in_words(here: Cluster) -> None:
    node = here.manager
    with node.changes_allowed():
        with pytest.raises(CommandFailed, match=r"^tidying up on \S+ failed with exit 1: it said nothing$"):
            node.change("set -eu\nfalse", what="tidying up")
        with pytest.raises(CommandFailed, match=r"^tidying up on \S+ did not end within 0\.3 s\.$"):
            node.change("sleep 9", what="tidying up", deadline_s=0.3)


def _change(node: Node, command: str, deadline_s: float | None = None) -> None:
    with node.changes_allowed():
        node.change(command, deadline_s=deadline_s)


def test_the_door_for_reading_lets_no_change_through(here: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ReadOnly, match="would change the node"):
        here.manager.read(f"touch {tmp_path}/file")
    assert not (tmp_path / "file").exists()


def test_a_fresh_session_forgets_what_the_node_said(free: Node) -> None:
    before = free.machine
    free.reconnect()
    assert free.machine is not before


def test_testinfra_asks_over_the_same_connection_and_may_only_read(free: Node) -> None:
    assert free.host.file("/etc/passwd").exists
    assert free.host.user().name == "root"  # as root, since we can be
    assert free.host.run("exit 3").rc == 3
    with pytest.raises(ReadOnly):
        free.host.run("touch /tmp/file")


@pytest.mark.parametrize("user", ["-oProxyCommand=touch /x", "a b", "a;b", "$(touch /x)", ""])
def test_a_user_that_is_no_word_is_not_given_to_commands(here: Cluster, tmp_path: Path, user: str) -> None:
    stand_in = tmp_path / "id"
    stand_in.write_text(f"#!/bin/sh\ntest $1 = -u && echo 1000 || echo {shlex.quote(user)}\n")
    stand_in.chmod(0o755)
    here.connect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with pytest.raises(Unreachable, match="which is no user with a home directory: log in as another one"):
            here.manager.reconnect()
