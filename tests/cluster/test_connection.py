"""What holds for every way of reaching a node, tried on this machine and through a real sshd."""

import hashlib
import time
from functools import partial
from pathlib import Path

import pytest

from cluster.connection import KEPT_BYTES, Connection, Said
from cluster.local import LocalConnection

MEGABYTE = 1_000_000


def _run(
    connection: Connection, command: str, *, stdin: bytes = b"", deadline_s: float = 20, lines: list[str] | None = None
) -> Said:
    return connection.run(command, stdin=stdin, deadline_s=deadline_s, on_line=None if lines is None else lines.append)


def _eventually_gone(connection: Connection, mark: str) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if _run(connection, f"pgrep -f '[s]leep {mark}'").exit == 1:
            return True
        time.sleep(0.1)
    return False


def test_a_command_brings_back_its_exit_status_and_both_streams(connection: Connection) -> None:
    said = _run(connection, "echo out; echo err >&2; exit 3")
    assert (said.exit, said.out, said.err) == (3, "out\n", "err\n")


def test_bytes_that_are_no_text_arrive_as_they_are(connection: Connection) -> None:
    said = _run(connection, r"printf '\377\000\376'")
    assert said.stdout == b"\xff\x00\xfe"
    assert said.out == "\ufffd\x00\ufffd"


@pytest.mark.parametrize("first", ["stdout", "stderr"])
def test_twenty_megabytes_on_each_stream_block_nothing(connection: Connection, first: str) -> None:
    pour = f"head -c {20 * MEGABYTE} /dev/zero"
    both = f"{pour}; {pour} >&2" if first == "stdout" else f"{pour} >&2; {pour}"
    said = _run(connection, both)
    assert (said.exit, len(said.stdout), len(said.stderr)) == (0, KEPT_BYTES, KEPT_BYTES)


def test_five_megabytes_of_input_arrive_whole(connection: Connection) -> None:
    data = bytes(range(256)) * (5 * MEGABYTE // 256)
    assert _run(connection, "sha256sum", stdin=data).out.split()[0] == hashlib.sha256(data).hexdigest()


def test_a_command_may_leave_its_input_unread(connection: Connection) -> None:
    assert _run(connection, "exec <&-; echo done", stdin=b"x" * 5 * MEGABYTE).out == "done\n"


def test_input_and_output_flow_at_once(connection: Connection) -> None:
    said = _run(connection, "cat", stdin=b"y" * 5 * MEGABYTE)
    assert (said.exit, len(said.stdout)) == (0, 5 * MEGABYTE)


def test_past_its_deadline_a_command_is_given_up_and_what_it_said_is_kept(connection: Connection) -> None:
    said = _run(connection, "echo started; sleep 30.125", deadline_s=1.5)
    assert (said.exit, said.out) == (None, "started\n")
    assert said.seconds < 4


def test_the_deadline_holds_for_a_command_that_never_stops_talking(connection: Connection) -> None:
    started = time.monotonic()
    # A reader slower than the writer: there is always something left to read.
    slowly = partial(time.sleep, 0.002)
    said = connection.run(f"timeout 8 yes {'y' * 999}", stdin=b"", deadline_s=0.5, on_line=lambda _: slowly())
    assert said.exit is None
    assert time.monotonic() - started < 4


def test_a_command_that_is_given_up_on_this_machine_is_ended_with_its_children() -> None:
    here = LocalConnection()
    _run(here, "sleep 31.25 & sleep 31.25", deadline_s=0.3)
    assert _eventually_gone(here, "31.25")


def test_lines_are_told_as_they_come(connection: Connection) -> None:
    lines: list[str] = []
    _run(connection, "printf 'one\\ntw'; sleep 0.2; printf 'o\\nthree'", lines=lines)
    assert lines[:2] == ["one", "two"]


def test_a_command_killed_by_a_signal_has_failed_and_the_node_is_still_there(connection: Connection) -> None:
    assert _run(connection, "kill -9 $$").exit not in (0, None)
    assert _run(connection, "echo still here").out == "still here\n"


def test_a_held_command_says_its_first_line_and_ends_when_released(connection: Connection) -> None:
    held = connection.hold("echo locked; cat >/dev/null; sleep 0", stdin=b"", deadline_s=5)
    assert held.first_line == "locked"
    held.release()


def test_a_held_command_gets_the_input_it_is_given(connection: Connection) -> None:
    held = connection.hold("read line; echo got $line; cat >/dev/null", stdin=b"word\n", deadline_s=5)
    assert held.first_line == "got word"
    held.release()


def test_a_held_command_hears_that_it_is_still_held(connection: Connection, tmp_path: Path) -> None:
    held = connection.hold(f"echo up; read line; echo $line >{tmp_path}/heard", stdin=b"", deadline_s=5)
    assert held.runs
    held.beat()
    until = time.monotonic() + 10
    while held.runs:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert (tmp_path / "heard").read_text() == "held\n"
    held.beat()  # nothing is told where nobody listens any more
    held.release()


def test_commands_run_side_by_side_on_one_connection(connection: Connection) -> None:
    held = connection.hold("echo held; cat >/dev/null", stdin=b"", deadline_s=5)
    assert _run(connection, "echo beside").out == "beside\n"
    held.release()
