"""SSH to a real sshd: everything that keeps us out is told in one sentence that says what to do."""

import os
import signal
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from cluster.errors import Unreachable
from cluster.ssh import SshConnection
from cluster.ssh_wire import Buffered
from tests.cluster.opening import opened, refusal
from tests.sshd import Sshd, make_key


def _out(connection: SshConnection, command: str) -> str:
    return connection.run(command, stdin=b"", deadline_s=10).out


def _nodelay(connection: SshConnection) -> int:
    transport = connection.client.get_transport()
    assert transport is not None
    assert isinstance(transport.sock, Buffered)
    flag: int = transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    return flag


def test_no_command_waits_for_a_delayed_acknowledgement(sshd: Sshd) -> None:
    connection = opened(sshd.target)
    assert _nodelay(connection) == 1
    connection.close()


def test_a_key_that_is_not_authorised_is_told_with_the_user(sshd: Sshd, tmp_path: Path) -> None:
    told = refusal(replace(sshd.target, keys=(make_key(tmp_path / "other"),)))
    assert told.startswith(f"spark-1 (127.0.0.1 port {sshd.port}) refuses the key of root: copy it there")


def test_a_key_that_wants_a_passphrase_is_told_as_such(sshd: Sshd, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", passphrase="canary-passphrase")
    told = refusal(replace(sshd.target, keys=(locked,)))
    assert told == f"the key {locked} has a passphrase: load it into your agent with `ssh-add`."


def test_a_key_file_that_is_missing_is_told_by_its_name(sshd: Sshd, tmp_path: Path) -> None:
    told = refusal(replace(sshd.target, keys=(tmp_path / "none",)))
    assert told.startswith(f"the key {tmp_path / 'none'} for spark-1")


def test_a_key_file_that_holds_no_key_is_told_by_its_name(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "garbage").write_text("not a key\n")
    assert f"{tmp_path / 'garbage'}" in refusal(replace(sshd.target, keys=(tmp_path / "garbage",)))


def test_a_connection_that_was_cut_without_a_word_is_opened_once_more(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_args: object, **_options: object) -> paramiko.Channel:
        raise paramiko.SSHException("Timeout opening channel.")

    connection = opened(sshd.target)
    monkeypatch.setattr(connection.client.get_transport(), "open_session", silent)
    with pytest.raises(Unreachable, match="stopped answering"):
        connection.run("true", stdin=b"", deadline_s=5)
    connection.mend()
    assert _out(connection, "echo here") == "here\n"
    connection.close()


def test_a_port_where_nobody_listens_is_told_as_such(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    told = refusal(replace(sshd.target, port=port))
    assert told == f"spark-1 (127.0.0.1 port {port}) refuses connections: is sshd running there, and on that port?"


def test_a_name_that_nobody_knows_is_told_as_such(sshd: Sshd) -> None:
    told = refusal(replace(sshd.target, host="no-such-node.invalid"))
    assert told.startswith("no name server knows no-such-node.invalid, the address of spark-1: correct it")


def test_a_server_that_never_speaks_is_given_up_in_time(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        told = refusal(replace(sshd.target, port=port, connect_timeout_s=0.5))
    assert time.monotonic() - started < 3
    assert told.startswith(f"spark-1 (127.0.0.1 port {port}) did not answer within 0.5 s")


def test_a_server_that_speaks_something_else_is_told_as_such(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            caller, _ = other.accept()
            caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)
            caller.close()

        threading.Thread(target=answer, daemon=True).start()
        told = refusal(replace(sshd.target, port=other.getsockname()[1]))
    assert "does not speak SSH with us" in told


def test_a_connection_that_dies_in_the_middle_is_told_at_once(sshd: Sshd) -> None:
    before = set(sshd.sessions)
    connection = opened(sshd.target)
    (session,) = set(sshd.sessions) - before
    threading.Timer(0.7, os.kill, (session, signal.SIGKILL)).start()
    started = time.monotonic()
    with pytest.raises(
        Unreachable, match=r"^the connection to spark-1 .* broke off \([^)]+\): is the node still up\?$"
    ):
        connection.run("sleep 20", stdin=b"", deadline_s=20)
    assert time.monotonic() - started < 5
    with pytest.raises(Unreachable, match=r"^the connection to spark-1 .* is gone: is the node still up\?$"):
        connection.run("true", stdin=b"", deadline_s=5)


def test_a_node_that_no_longer_answers_holds_nobody_up(sshd: Sshd) -> None:
    before = set(sshd.sessions)
    connection = opened(replace(sshd.target, connect_timeout_s=1.0))
    held = connection.hold("echo held; cat >/dev/null", stdin=b"", deadline_s=5)
    (session,) = set(sshd.sessions) - before
    os.kill(session, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(Unreachable, match="stopped answering"):
            connection.run("true", stdin=b"", deadline_s=5)
        held.release()
        connection.close()
        assert time.monotonic() - started < 10
    finally:
        os.kill(session, signal.SIGCONT)


def test_a_reopened_connection_is_a_new_login(sshd: Sshd) -> None:
    connection = opened(sshd.target)
    first = _out(connection, "echo $SSH_CONNECTION")
    connection.reopen()
    assert _out(connection, "echo $SSH_CONNECTION") not in ("", first)
    connection.close()


def test_a_node_is_reached_through_another(sshd: Sshd) -> None:
    connection = opened(replace(sshd.target, jump=replace(sshd.target, name="the jump host")))
    assert _out(connection, "echo through").strip() == "through"
    connection.close()


def test_a_jump_host_may_have_a_jump_host_of_its_own(sshd: Sshd) -> None:
    before = set(sshd.sessions)
    outer = replace(sshd.target, name="the outer jump host")
    connection = opened(replace(sshd.target, jump=replace(sshd.target, name="the jump host", jump=outer)))
    assert _out(connection, "echo through").strip() == "through"
    assert len(set(sshd.sessions) - before) == 3
    connection.close()


def test_a_jump_host_that_refuses_us_is_the_one_that_is_named(sshd: Sshd, tmp_path: Path) -> None:
    jump = replace(sshd.target, name="the jump host gate", keys=(make_key(tmp_path / "other"),))
    assert refusal(replace(sshd.target, jump=jump)).startswith("the jump host gate (127.0.0.1 port ")


def test_a_node_that_the_jump_host_does_not_reach_is_named(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    told = refusal(replace(sshd.target, port=port, jump=replace(sshd.target, name="the jump host")))
    assert told.startswith(f"spark-1 (127.0.0.1 port {port})")


def test_what_is_held_outlives_a_new_login_and_ends_with_the_connection(sshd: Sshd, tmp_path: Path) -> None:
    # The lock of a run: it must not be free while a node is asked for a session that knows new groups.
    lock = tmp_path / "lock"
    connection = opened(sshd.target)
    connection.hold(f"exec 9>>{lock}; flock -n 9; echo locked; cat >/dev/null", stdin=b"", deadline_s=5)
    connection.reopen()
    ask = f"flock -n {lock} echo free || echo held"
    assert _out(connection, ask) == "held\n"
    connection.close()
    other = opened(sshd.target)
    until = time.monotonic() + 10
    while _out(other, ask) != "free\n":
        assert time.monotonic() < until, "the lock outlives all connections"
        time.sleep(0.1)
    other.close()


def test_a_command_without_input_is_sent_no_end_of_it(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    # One that came after the command had ended would cost the whole connection.
    ends: list[paramiko.Channel] = []
    monkeypatch.setattr(paramiko.Channel, "shutdown_write", ends.append)
    connection = opened(sshd.target)
    said = connection.run("cat", stdin=b"", deadline_s=10)
    assert (said.exit, said.out, ends) == (0, "", [])
    connection.close()


def test_a_command_that_has_closed_its_streams_is_waited_for_and_not_asked_after(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(channel: paramiko.Channel) -> bool:
        asked.append(channel)
        return ready(channel)

    ready = paramiko.Channel.recv_ready
    monkeypatch.setattr(paramiko.Channel, "recv_ready", counted)
    connection = opened(sshd.target)
    said = connection.run("exec >&- 2>&-; sleep 0.5; exit 3", stdin=b"", deadline_s=5)
    connection.close()
    assert said.exit == 3
    assert len(asked) < 100  # a busy wait asks a thousand times and more
