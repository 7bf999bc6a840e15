"""Step 1: let every node log in to every other by its fabric address, each with a key of its own."""

from collections.abc import Iterator, Sequence
from shlex import quote

from cluster.node import Node
from cluster.ssh_target import known_name
from engine.change import Change, Changes, Instruction, RunCommand, WriteFile, together
from engine.files import read_file
from engine.rights import SetRights


def exchange_keys(node: Node) -> Changes:
    """Let all nodes into each other; keys that exist are used, files that exist are added to."""
    # All in one go, since each file is then written once: a key at a time it would be written once for every peer.
    nodes = node.cluster.nodes
    yield together(map(make_key, nodes))
    yield together(map(_let_peers_in, nodes))
    yield together(map(_know_peers, nodes))


def make_key(node: Node) -> Iterator[Change]:
    """Make a key pair where there is none; the private key never leaves the node."""
    if node.ssh.own_key:
        return
    if node.ssh.has_half_a_key:
        # ssh-keygen would overwrite it.
        lone = f"~/.ssh/id_ed25519.pub away on {node.name}"
        yield Instruction(node, f"move {lone}, since its private half is not there, then run again")
        return
    path = f"{node.login.home}/.ssh/id_ed25519"
    key, public = quote(path), quote(f"{path}.pub")
    if node.ssh.has_private_key:
        # Somebody's own, which ssh-keygen would overwrite; only the public half is missing.
        derive = f"half=$(ssh-keygen -y -P '' -f {key}) && echo \"$half\" >{public}"
        undo = f'if test "$(ssh-keygen -y -P \'\' -f {key})" = "$(cat {public})"; then rm -f {public}; fi'
        yield RunCommand(node, derive, undo_command=undo, root=False)
        return
    # Only a key with this word behind it was made here: undo leaves any other where it is.
    comment = f"{node.login.user}@{node.name}:spark-runbook"
    make = f"umask 077; mkdir -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -C {comment} -f {key}"
    undo = f"if grep -qs ' {comment}$' {public}; then rm -f {key} {public}; fi"
    yield RunCommand(node, make, undo_command=undo, root=False)


def tighten_modes(node: Node) -> Iterator[Change]:
    """Take the rights from others with which SSH refuses to use a key or a home."""
    for file in node.ssh.guarded:
        if file.is_open:
            yield SetRights(node, "chmod", file.path, file.closing, before=file.mode, after=file.closed)


def _let_peers_in(node: Node) -> Iterator[Change]:
    peers = [peer for peer in node.peers if not peer.ssh.has_half_a_key]
    if keys := [key for key in map(_public_key, peers) if not node.ssh.authorizes(key)]:
        yield from _append(node, ".ssh/authorized_keys", keys)


def _know_peers(node: Node) -> Iterator[Change]:
    learned = [line for peer in node.peers for line in _known_hosts_lines(peer)]
    if missing := [line for line in learned if line not in node.ssh.known_hosts]:
        yield from _append(node, ".ssh/known_hosts", missing)


def _known_hosts_lines(peer: Node) -> list[str]:
    # The host keys come over our own connection, whose host key was checked, so nothing is trusted on first sight.
    addresses = peer.fabric.values()
    names = ",".join(known_name(str(address.ip), peer.login.port) for address in addresses)
    return [f"{names} {key}" for key in peer.ssh.host_keys]


def _public_key(node: Node) -> str:
    # In a plan there may be none yet.
    return node.ssh.own_key or f"ssh-ed25519 ({node.name}'s, which ssh-keygen makes)"


def _append(node: Node, name: str, lines: Sequence[str]) -> Iterator[WriteFile]:
    path = f"{node.login.home}/{name}"
    file = read_file(node, path, root=False)
    before = file.content or b""
    # What another node's turn has planned already is in the file as it will be.
    there = before.decode("utf-8", "replace").splitlines()
    if added := "".join(f"{line}\n" for line in lines if line not in there).encode():
        joint = b"" if before.endswith(b"\n") or not before else b"\n"
        mode = None if before else 0o600
        yield WriteFile(node, path, before + joint + added, mode=mode, root=False, made_from=file)
