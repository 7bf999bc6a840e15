"""Many new files at once: one archive, one round trip, one change."""

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from shlex import quote

from engine.change import Change
from engine.undo_step import UndoCommand, UndoStep

# Into a folder of its own first, so that a connection that breaks leaves no half of a file in its place.
_PLACE = """\
set -eu
umask 022; mkdir -p -- {directory}; cd -- {directory}
new=$(mktemp -d -- .spark-runbook.XXXXXX)
trap 'rm -rf -- "$new"' EXIT
tar -xz -C "$new"
(cd "$new" && sha256sum --quiet -c) <<'END'
{checksums}
END
(cd "$new" && find . -type f) | while read -r name; do
  test ! -e "$name" || {{ echo "$name was put there meanwhile, so it stays: run again" >&2; exit 1; }}
done
(cd "$new" && find . -type d -exec mkdir -p -- ../{{}} \\;)
(cd "$new" && find . -type f -exec mv -f -- {{}} ../{{}} \\;)
sync -f .
"""
_REMOVE = """\
cd -- {directory} 2>/dev/null || exit 0
while read -r checksum name; do
  test -e "$name" || continue
  test "$(sha256sum <"$name")" = "$checksum  -" || {{ echo "$name was edited since, so all stay" >&2; exit 1; }}
done <<'END'
{checksums}
END
rm -f -- {names}
rmdir -- {directories} 2>/dev/null || true
"""


@dataclass(eq=False)
class PlaceFiles(Change):
    """Put files where there are none yet; undo removes them again unless somebody has edited one."""

    directory: str
    files: dict[str, bytes]

    def describe(self) -> str:
        """List the files with the beginning of their checksums."""
        listed = "\n".join(
            f"    {name}  {len(content)} bytes  sha256 {_sha256(content)[:12]}" for name, content in self.files.items()
        )
        return f"{self.node.name}$ tar -x -C {self.directory}  # {len(self.files)} new files\n{listed}"

    def undo(self) -> list[UndoStep]:
        """Remove what was placed."""
        names = " ".join(quote(name) for name in self.files)
        parents = {str(parent) for name in self.files for parent in PurePosixPath(name).parents} - {"."}
        command = _REMOVE.format(
            directory=quote(self.directory),
            names=names,
            checksums=self._checksums,
            directories=" ".join(quote(parent) for parent in sorted(parents, key=len, reverse=True)),
        )
        return [UndoCommand(command, root=False)]

    def apply(self) -> None:
        """Send one archive, check it, move its files into place."""
        command = _PLACE.format(directory=quote(self.directory), checksums=self._checksums)
        self.node.change(command, root=False, stdin=_archive(self.files), what=f"placing files in {self.directory}")

    @property
    def _checksums(self) -> str:
        return "\n".join(f"{_sha256(content)}  {name}" for name, content in self.files.items())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
