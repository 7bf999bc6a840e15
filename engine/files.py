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

# A link keeps pointing: the file it leads to is replaced. The checksum catches a connection that broke in the middle.
_WRITE = """\
set -eu
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
mv -fT -- "$new" "$path"
sync -- "$dir"
"""


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


def write_file(node: Node, path: str, content: bytes, *, mode: str | None, owner: str | None, root: bool) -> None:
    """Replace a file in one step; only within a change.

    Raises:
        CommandFailed: It could not be written; the old one is untouched.
    """
    command = _WRITE.format(
        path=quote(path),
        umask="077" if "/.ssh/" in path else "022",
        checksum=hashlib.sha256(content).hexdigest(),
        mode=mode or "644",
        chown=f'chown {quote(owner)} -- "$new"' if owner and root else ":",
    )
    node.change(command, root=root, stdin=content)


def remove_file(node: Node, path: str, made_directories: list[str], *, root: bool) -> None:
    """Remove a file, and the directories that were made for it where they are empty; only within a change."""
    emptied = "".join(f"rmdir -- {quote(made)} 2>/dev/null || true\n" for made in made_directories)
    node.change(f'rm -f -- "$(readlink -m -- {quote(path)})"\n{emptied}', root=root)
