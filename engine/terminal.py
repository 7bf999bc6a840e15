"""What a person sees while a run goes on: the playbook's steps, one line a check, and a verdict at the end."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO

from rich.markup import escape
from rich.status import Status
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from engine.console import LastingConsole
from engine.naming import named, of_any_node, with_unit
from engine.outcome import GOOD, Verdict
from engine.redact import plain
from reports.outcome import Outcome

_MARKS = {
    Outcome.PASSED: ("✓", "green", "passed"),
    Outcome.FIXED: ("★", "bold green", "FIXED"),
    Outcome.FAILED: ("✗", "bold red", "FAILED"),
    Outcome.WOULD_FIX: ("△", "bold yellow", "WOULD FIX"),
    Outcome.FIX_FAILED: ("✗", "bold red", "FIX FAILED"),
    Outcome.BLOCKED: ("■", "magenta", "blocked"),
    Outcome.UNKNOWN: ("?", "bold yellow", "UNKNOWN"),
    Outcome.SKIPPED: ("-", "dim", "skipped"),
}


MOST_NAMED_WHEN_GOOD = 3
"""More nodes than these, where all is well, are counted."""

SHOWN_LINES = 40
"""Of a planned change at most so many lines are shown without -v."""


class Screen:
    """Writes to the real standard output, past pytest's capturing."""

    def __init__(self, *, verbose: bool, quiet: bool) -> None:
        """Take a copy of standard output while it is still the real one."""
        file = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace", closefd=True)
        self._console = LastingConsole(file=file, highlight=False, soft_wrap=True, width=_width(file))
        # Colours may be forced into a file, and a dumb terminal animates nothing.
        self._on_terminal = file.isatty()
        self._live = self._on_terminal and not self._console.is_dumb_terminal
        self._verbose = verbose
        self._quiet = quiet
        self._status: Status | None = None
        self._step: int | None = None
        self._nodes: Sequence[str] = ()
        self._row: list[Verdict] = []
        """The verdicts of the check that is being judged node by node: they are told together."""
        self._aside: list[tuple[str, Verdict]] = []
        """What nobody can act on, each with its place: skipped, or blocked by what is told already."""
        self._told: dict[tuple[str, ...], str] = {}
        """The changes told last, without their node's name, and the node that they were told of."""

    def head(self, mode: str, cluster: str, nodes: Sequence[str], simulated: list[str]) -> None:
        """Say what is about to be looked at, and which parts of it are not real."""
        self._nodes = nodes
        title = f"{mode} of {cluster}: {', '.join(nodes)}"
        self._console.print(f"[bold]Spark Runbook[/bold]  {escape(plain(title))}")
        for part in simulated:
            self._console.print(f"[yellow]simulated[/yellow]  {escape(plain(part))}")

    def step(self, number: int, title: str) -> None:
        """Begin a step of the playbook."""
        if number != self._step and not self._quiet:
            self._tell_row()
            self._tell_aside()
            self._step = number
            self._console.print(f"\n[bold]Step {number}[/bold]  {escape(plain(title))}")

    def looking_at(self, check: str, what: str) -> None:
        """Show which check is being judged now; the one before is told first."""
        self._end_row_of_other(check)
        self.working(what)

    def working(self, what: str) -> None:
        """Show what is being done right now: a spinner on a terminal, nothing in a log."""
        if not self._live:
            return
        if self._status is None:
            self._status = self._console.status("", spinner="dots")
            self._status.start()
        self._status.update(escape(plain(what)))

    def progress(self, what: str) -> None:
        """Tell the progress of long work: beside the spinner on a terminal, as a line in a log."""
        if self._live:
            self.working(what)
        elif not self._quiet:
            self._console.print(f"  … {escape(plain(what))}")

    def stop_spinner(self) -> None:
        """Take the spinner away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def verdict(self, verdict: Verdict) -> None:
        """Take a verdict; it is written when those of the same check on the other nodes are there as well."""
        self._end_row_of_other(verdict.id)
        self._row.append(verdict)

    def _end_row_of_other(self, check: str) -> None:
        if self._row and self._row[0].id != check:
            self._tell_row()

    def _tell_row(self) -> None:
        """Write what the nodes came to in one check: one line for those that came to the same."""
        self.stop_spinner()
        same: dict[object, list[Verdict]] = {}
        for verdict in self._row:
            same.setdefault(verdict.place if self._verbose else _seen(verdict), []).append(verdict)
        self._row.clear()
        for first, *others in same.values():
            told = _of_any(first) if others else first
            self._tell(told, [verdict.node for verdict in (first, *others) if verdict.node])

    def _tell(self, verdict: Verdict, nodes: list[str]) -> None:
        """Write the line of a check, and below it what a person needs to act on it."""
        if self._quiet and verdict.outcome in GOOD | {Outcome.SKIPPED} and not verdict.warning:
            return
        place = plain(self._place(nodes, good=verdict.outcome in GOOD))
        if verdict.outcome in (Outcome.BLOCKED, Outcome.SKIPPED) and not self._verbose:
            self._aside.append((place, verdict))
            return
        self._tell_aside()
        mark, style, word = ("!", "bold yellow", "warning") if verdict.warning else _MARKS[verdict.outcome]
        head = Text.assemble("  ", (mark, style), " ", (f"{word:<10}", style), f" {place:<12} ")
        line = Text(plain(verdict.title))
        if verdict.outcome in (Outcome.BLOCKED, Outcome.SKIPPED):
            line.append(f"  ({plain(', '.join(verdict.blocked_by) or verdict.cause or '')})", "dim")
        if self._verbose:
            line.append(f"  [{verdict.id}, {verdict.seconds:.2f} s]", "dim")
        self._print(head, line)
        if verdict.outcome not in GOOD | {Outcome.BLOCKED, Outcome.SKIPPED}:
            self._detail(verdict)
        elif verdict.warning:
            unit = verdict.threshold.unit if verdict.threshold else ""
            self._field("found", with_unit(verdict.found, unit))
            self._field("expected", with_unit(verdict.expected, unit))
            self._field("why", verdict.warning)
            self._field("do", verdict.remedy)
        elif verdict.outcome is Outcome.FIXED and self._verbose:
            self._changes(verdict)

    def _place(self, nodes: list[str], *, good: bool) -> str:
        """Name nodes: all of them by that word, and many that are well by their number."""
        if not nodes:
            return "cluster"
        if len(nodes) == len(self._nodes) > 1:
            return "all nodes"
        if good and len(nodes) > MOST_NAMED_WHEN_GOOD:
            return f"{len(nodes)} nodes"
        return named(nodes, ", ")

    def _tell_aside(self) -> None:
        """Tell in one line the checks that were skipped for one reason, or are blocked in one place."""
        alike: dict[tuple[Outcome, str], list[Verdict]] = {}
        for place, verdict in self._aside:
            of = (verdict.cause or "") if verdict.outcome is Outcome.SKIPPED else place
            alike.setdefault((verdict.outcome, of), []).append(verdict)
        for (outcome, of), verdicts in alike.items():
            names = list(dict.fromkeys(verdict.id for verdict in verdicts))
            mark, style, word = _MARKS[outcome]
            place, reason = ("", of) if outcome is Outcome.SKIPPED else (f"{of:<12} ", _held_up_by(verdicts))
            told = Text.assemble((", ".join(names), "dim"), (f"  ({plain(reason)})", "dim"))
            self._print(Text(f"  {mark} {word:<10} {place}", style), told)
        self._aside.clear()

    def _print(self, head: Text, rest: Text) -> None:
        """Write a line; where the terminal is too narrow for it, the rest goes on below its own beginning."""
        lines = rest.split("\n")
        fits = head.cell_len + max(line.cell_len for line in lines) <= self._console.width
        if fits or not self._on_terminal or head.cell_len > self._console.width // 2:
            self._console.print(Text.assemble(head, Text("\n" + " " * head.cell_len).join(lines)))
            return
        columns = Table.grid()
        columns.add_column(no_wrap=True)
        columns.add_column(overflow="fold")
        columns.add_row(head, rest)
        self._console.print(columns, soft_wrap=False)

    def _detail(self, verdict: Verdict) -> None:
        if verdict.outcome in (Outcome.FAILED, Outcome.FIX_FAILED, Outcome.WOULD_FIX):
            unit = verdict.threshold.unit if verdict.threshold else ""
            self._field("found", with_unit(verdict.found, unit))
            self._field("expected", with_unit(verdict.expected, unit))
        self._field("why", verdict.cause)
        if verdict.outcome is Outcome.WOULD_FIX:
            self._changes(verdict)
        else:
            self._field("do", verdict.remedy)

    def _field(self, name: str, value: str | None) -> None:
        if not value:
            return
        head = Text.assemble("      ", (f"{name:<9}", "dim"))
        if name == "do":
            # A command is copied from here, so no line end goes into it.
            self._console.print(Text.assemble(head, plain(value).replace("\n", "\n" + " " * 15)))
        else:
            self._print(head, Text(plain(value)))

    def _changes(self, verdict: Verdict) -> None:
        """Tell changes; where a node before has the same ones in this check, name that node instead."""
        if not verdict.changes:
            return
        node = verdict.node or ""
        same = (verdict.id, *(_without_node(change.describe, node) for change in verdict.changes))
        if node and same in self._told:
            self._console.print(Text(f"      the same as on {self._told[same]}", "cyan"))
            return
        self._told = {key: name for key, name in self._told.items() if key[0] == verdict.id} | {same: node}
        for change in verdict.changes:
            lines = [plain(line) for line in change.describe.splitlines()]
            if len(lines) > SHOWN_LINES and not self._verbose:
                lines[SHOWN_LINES:] = [
                    f"      … {len(lines) - SHOWN_LINES} more lines: -v shows them, the report has them"
                ]
            told = "\n".join(lines)
            if told.startswith("---"):
                self._console.print(Syntax(told, "diff", background_color="default", word_wrap=False))
            else:
                self._console.print(Text("      " + told, "cyan"))

    def end(self, title: str, *, good: bool, lines: list[str]) -> None:
        """Write the last screen."""
        self._tell_row()
        self._tell_aside()
        self._console.print(f"\n[bold {'green' if good else 'red'}]{title}[/]")
        for line in map(plain, lines):
            if _PROSE.match(line):
                self._print(Text(line[:9]), Text(line[9:]))
            else:
                self._console.print(escape(line))

    def close(self) -> None:
        """Give the copy of standard output back."""
        self._tell_row()
        self._tell_aside()
        self._console.file.flush()


_PROSE = re.compile(r"(?:Nodes:|Why:|Warning:|Next:)? +(?!.*`)")
"""A line of the last screen that holds no command to be copied, so that it may be broken between words."""


def _of_any(verdict: Verdict) -> Verdict:
    """What a verdict tells, written as it is true for each node that came to the same."""
    warning, cause, remedy = (
        of_any_node(text, verdict.node) for text in (verdict.warning, verdict.cause, verdict.remedy)
    )
    return replace(verdict, warning=warning, cause=cause, remedy=remedy)


def _seen(verdict: Verdict) -> object:
    """What of a verdict a reader sees, but for its node; changes are told node by node."""
    own = verdict.node if verdict.outcome is Outcome.WOULD_FIX and verdict.changes else None
    alike, compares = _of_any(verdict), verdict.outcome not in GOOD | {Outcome.BLOCKED, Outcome.SKIPPED}
    return (
        alike.title, alike.outcome, alike.warning, alike.cause, alike.remedy, tuple(alike.blocked_by), own,
        *((alike.found, alike.expected) if alike.warning or compares else ()),
    )  # fmt: skip


def _width(terminal: TextIO) -> int | None:
    """How wide the terminal is; None leaves it to rich, which asks a standard output that pytest has taken away."""
    try:
        return None if "COLUMNS" in os.environ else os.get_terminal_size(terminal.fileno()).columns or None
    except OSError:
        return None


def _held_up_by(verdicts: Sequence[Verdict]) -> str:
    """Name what blocked checks wait for, but for each other."""
    own = {verdict.id for verdict in verdicts}
    first = dict.fromkeys(one for verdict in verdicts for one in verdict.blocked_by if one not in own)
    return f"until {', '.join(first)}" if first else verdicts[0].cause or ""


def _without_node(describe: str, node: str) -> str:
    """Leave out the name before a command or a path, by which changes are told apart."""
    return re.sub(rf"(?m)^((?:--- |\+\+\+ )?){re.escape(node)}(?=[:$])", r"\1", describe)


def count(verdicts: list[Verdict]) -> str:
    """Count the outcomes, worst first: 2 fixed, 40 passed."""
    told = [(outcome, sum(verdict.outcome is outcome for verdict in verdicts)) for outcome in Outcome]
    return ", ".join(f"{number} {_MARKS[outcome][2].lower()}" for outcome, number in told if number)
