"""Files on a node: read with everything that makes them what they are, written so that no half of one is ever seen."""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from shlex import quote

from cluster.errors import CommandFailed
from cluster.node import Node


@dataclass(frozen=True)
class FileState:
    """A file: content is None where there is none, mode is octal, owner is uid:gid."""

    content: bytes | None = None
    mode: str | None = None
    owner: str | None = None
    missing_directories: list[str] = field(default_factory=list)

    @property
    def sha256(self) -> str | None:
        """The content's checksum, None where there is no file."""
        return None if self.content is None else hashlib.sha256(self.content).hexdigest()


_READ = """\
path=$(readlink -m -- {path}) || exit 1
if test -f "$path"; then stat -c '%a %u:%g' -- "$path" && base64 -w 0 -- "$path" && echo
elif test -e "$path"; then echo "$path is no file" >&2; exit 1
else
  dir=$(dirname -- "$path")
  while ! test -e "$dir"; do printf 'missing %s\\n' "$dir"; dir=$(dirname -- "$dir"); done
fi"""

# The file has to be what we read, to the last moment: what somebody wrote meanwhile would be in no journal.
_UNCHANGED = """\
set -eu
unchanged() {{
  now=$(if test -e "$path"; then sha256sum <"$path"; else echo none; fi)
  test "$now" = "{known}" || {{ echo "$path was edited meanwhile, so it stays as it is: run again" >&2; exit 1; }}
}}
"""
# A link keeps pointing: the file it leads to is replaced. The checksum catches a connection that broke in the middle.
_WRITE = """\
path=$(readlink -m -- {path}); dir=$(dirname -- "$path")
(umask {umask}; mkdir -p -- "$dir")
umask 077
new=$(mktemp -- "$dir/.spark-runbook.XXXXXX")
trap 'rm -f -- "$new"' EXIT
cat >"$new"
test "$(sha256sum <"$new")" = "{checksum}  -" || {{ echo "the file did not arrive whole" >&2; exit 1; }}
chmod {mode} -- "$new"
{chown}
sync -- "$new"
unchanged
mv -fT -- "$new" "$path"
sync -- "$dir"
"""
_REMOVE = """\
path=$(readlink -m -- {path})
unchanged
rm -f -- "$path"
{emptied}"""


def read_file(node: Node, path: str, *, root: bool) -> FileState:
    """Read a file as it is, or, while planning, as the changes planned before would leave it.

    Raises:
        CommandFailed: It is there and cannot be read.
    """
    if path in node.planned:
        return FileState(node.planned[path])
    said = node.read_with_peers(_READ.format(path=quote(path)), root=root)
    lines = said.out.splitlines()
    if said.exit != 0:
        raise CommandFailed(f"{path} on {node.name} cannot be read: {said.err.strip()[-200:]}")
    if not lines or lines[0].startswith("missing "):
        return FileState(missing_directories=[line.removeprefix("missing ") for line in lines])
    mode, owner = lines[0].split()
    try:
        content = b64decode(lines[1] if len(lines) > 1 else "", validate=True)
    except NotBase64:
        raise CommandFailed(f"{path} on {node.name} did not arrive whole; try again.") from None
    return FileState(content, mode, owner)


def missing_directories(node: Node, path: str, *, root: bool) -> list[str]:
    """List the directories that `mkdir -p` would make, the deepest first.

    Raises:
        CommandFailed: It cannot be looked at.
    """
    return read_file(node, f"{path}/file", root=root).missing_directories


def write_file(
    node: Node, path: str, content: bytes, known: FileState, *, mode: str | None, owner: str | None, root: bool
) -> None:
    """Replace a file, which still has to be as it is `known`, in one step; only within a change.

    Raises:
        CommandFailed: It could not be written, or was edited meanwhile; the old one is untouched.
    """
    command = _UNCHANGED.format(known=_sum(known)) + _WRITE.format(
        path=quote(path),
        umask="077" if "/.ssh/" in path else "022",
        checksum=hashlib.sha256(content).hexdigest(),
        mode=mode or "644",
        chown=f'chown {quote(owner)} -- "$new"' if owner and root else ":",
    )
    node.change(command, root=root, stdin=content, what=f"writing {path}")


def remove_file(node: Node, path: str, known: FileState, made_directories: list[str], *, root: bool) -> None:
    """Remove a file, which still has to be as it is `known`, and the empty directories that were made for it.

    Raises:
        CommandFailed: It could not be removed, or was edited meanwhile.
    """
    emptied = "".join(f"rmdir -- {quote(made)} 2>/dev/null || true\n" for made in made_directories)
    command = _UNCHANGED.format(known=_sum(known)) + _REMOVE.format(path=quote(path), emptied=emptied)
    node.change(command, root=root, what=f"removing {path}")


def _sum(known: FileState) -> str:
    return f"{known.sha256}  -" if known.sha256 else "none"
