"""Host keys: trusted where ssh itself would trust them, on an sshd of our own."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.opening import opened, refusal
from tests.sshd import Sshd, make_key

ANY_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def test_an_unknown_host_key_is_refused_unless_it_was_asked_for(sshd: Sshd, tmp_path: Path) -> None:
    told = refusal(replace(sshd.target, known_hosts=tmp_path / "none"))
    assert f"is not in {tmp_path / 'none'}: connect once with ssh" in told
    assert not (tmp_path / "none").exists()


def test_a_changed_host_key_is_refused_even_when_new_ones_are_accepted(sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {other}\n")
    told = refusal(replace(sshd.target, known_hosts=known, accept_new=True))
    assert told.startswith(f"the host key of spark-1 (127.0.0.1 port {sshd.port}) is not the one in {known}")
    assert f"`ssh-keygen -f {known} -R '[127.0.0.1]:{sshd.port}'`" in told
    assert known.read_text().count("\n") == 1


@pytest.mark.parametrize("before", ["", f"other {ANY_KEY}", "# a comment\n"])
def test_a_new_host_key_is_written_down_when_that_was_asked_for(sshd: Sshd, tmp_path: Path, before: str) -> None:
    known = tmp_path / "deep" / "known_hosts"
    known.parent.mkdir()
    known.write_text(before)
    opened(replace(sshd.target, known_hosts=known, accept_new=True)).close()
    assert known.read_text().splitlines() == [*before.splitlines(), sshd.known_hosts_line.rstrip("\n")]
    opened(replace(sshd.target, known_hosts=known)).close()


def test_known_hosts_that_have_changed_are_read_anew(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"other {ANY_KEY}\n")
    assert "is not in" in refusal(replace(sshd.target, known_hosts=known))
    known.write_text(f"other {ANY_KEY}\n{sshd.known_hosts_line}")
    opened(replace(sshd.target, known_hosts=known)).close()


def test_a_damaged_line_of_known_hosts_is_told_with_the_file(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("node ssh-ed25519 AAA\n")
    told = refusal(replace(sshd.target, known_hosts=known))
    assert told == f"{known} cannot be read as known hosts: a line of it is damaged: node ssh-ed25519 AAA."


def test_marks_in_known_hosts_are_taken_for_what_they_are(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority *.example.net {ANY_KEY}\n{sshd.known_hosts_line}")
    opened(replace(sshd.target, known_hosts=known)).close()
    known.write_text(f"{sshd.known_hosts_line}@revoked * {sshd.known_hosts_line.split(' ', 1)[1]}")
    assert "is not in" in refusal(replace(sshd.target, known_hosts=known))


@pytest.mark.parametrize(
    ("patterns", "known"),
    [
        ("*.lan,[127.0.*]:*", True),
        ("[127.0.0.?]:*", True),
        ("[127.0.*]:*,![*.1]:*", False),
        ("127.0.*", False),
        ("#*", False),
    ],
)
def test_patterns_in_known_hosts_are_heeded_as_ssh_does(
    sshd: Sshd, tmp_path: Path, patterns: str, *, known: bool
) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"\n* \n{patterns} {sshd.known_hosts_line.split(' ', 1)[1]}")
    target = replace(sshd.target, known_hosts=file)
    if known:
        opened(target).close()
    else:
        assert "is not in" in refusal(target)


def test_known_hosts_that_cannot_be_written_are_named(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = refusal(replace(sshd.target, known_hosts=tmp_path / "file" / "known_hosts", accept_new=True))
    assert told.startswith(f"{tmp_path / 'file' / 'known_hosts'} cannot be")


def test_a_host_key_alias_is_looked_up_as_ssh_does_without_a_port(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("spark " + sshd.known_hosts_line.split(" ", 1)[1])
    opened(replace(sshd.target, known_hosts=known, host_key_alias="spark")).close()
