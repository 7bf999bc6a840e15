"""Mode and owner of what is there already: undo gives them back only to what is still as the change left it."""

from dataclasses import dataclass
from shlex import quote
from typing import Literal

from cluster.errors import CommandFailed
from engine.change import Change
from engine.undo_step import UndoCommand, UndoStep

_SHOWN = {"chmod": "%a", "chown": "%u:%g"}
# A file is the same by its content: what the run wrote and put back is another inode. A directory is never put back.
_WHICH = "if test -d {path}; then stat -L -c '%i %W' {path}; else sha256sum <{path}; fi"


@dataclass(eq=False)
class SetRights(Change):
    """Give a path another mode or owner, or the one that a link leads to.

    `given` is what the program is told; `before` and `after` are the mode in octal or uid:gid, `after` as a word of the
    shell.
    """

    program: Literal["chmod", "chown"]
    path: str
    given: str
    before: str
    after: str

    def describe(self) -> str:
        """Show the command."""
        return f"{self.node.name}$ sudo {self._command(self.given)}"

    def undo(self) -> list[UndoStep]:
        """Give back what was before, unless somebody has replaced the path or changed its rights since.

        Raises:
            CommandFailed: It cannot be told what is there.
        """
        path = quote(self.path)
        which = _WHICH.format(path=path)
        said = self.node.read(which, root=True)
        if said.exit != 0:
            raise CommandFailed(f"{self.path} on {self.node.name} cannot be read: {said.err.strip()[-200:]}")
        now = f"{{ stat -L -c {_SHOWN[self.program]} {path} && {which}; }} 2>/dev/null"
        as_left = f'test "$({now})" = "{self.after}\n{said.out.strip()}"'
        return [UndoCommand(f"if {as_left}; then {self._command(self.before)}; fi", root=True)]

    def apply(self) -> None:
        """Run the command.

        Raises:
            ClusterError: It failed.
        """
        self.node.change(self._command(self.given))

    def _command(self, rights: str) -> str:
        return f"{self.program} {rights} {quote(self.path)}"
