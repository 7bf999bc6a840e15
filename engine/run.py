"""One run: the cluster, what was judged, and the report at the end."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import reports
from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.inventory import Inventory
from cluster.paths import exists
from engine import node_journal
from engine.ahead import rounds
from engine.apply import Applier
from engine.bundle import write_bundle
from engine.check import Context
from engine.comparison import LastComparison
from engine.dead_man import take_back_unconfirmed
from engine.diagnosis import Cause, diagnose, explain, sound
from engine.journal import FILE, Journal, JournalError, find_journal
from engine.judge import Judge
from engine.lock import ClusterLock
from engine.options import Options, ask_password
from engine.outcome import STOPS_OTHERS, Verdict, exit_status, is_ready
from engine.redact import redact
from engine.report import next_step, verdicts_as_json, write_report
from engine.suspects import Difference, differing, keep_states, last_ready, neutral, read_states
from engine.undo import UndoResult, undo_run
from reports.changes import headline
from reports.outcome import Outcome

VERSION = "0.1.0"

MOST_DRIFT = 100
"""Of what the nodes do not share so much is told; the others are counted."""


class CannotReport(ClusterError):
    """There would be no account of the run."""


class Run:
    """Everything one invocation holds; built before collection, closed after the last check."""

    def __init__(self, options: Options, inventory: Inventory, inventory_name: str) -> None:
        """Prepare a run; no node is spoken to yet."""
        self.options = options
        self.started = datetime.now(UTC)
        self._began = time.monotonic()
        self.id = _free_id(options, self.started)
        password = ask_password() if options.ask_become_pass else None
        self.cluster = Cluster(inventory, become_password=password, only=options.limit)
        self.journal = Journal(self.directory / FILE)
        self.compared = LastComparison()
        applier = Applier(self.journal, options.allowed, node_journal.keep)
        commands = (options.same_command("--fix"), options.command())
        self.judge = Judge(self.cluster, applier, options.mode, self.compared, *commands)
        self.steps: dict[int, str] = {}
        self.training: dict[str, Any] | None = None
        self.interrupted = False
        self.stopped = False
        """Whether pytest was told to stop at a failure (`-x`), so that nobody has judged what comes after it."""
        self.causes: list[Cause] = []
        """What is wrong, ranked; known when the run is closed."""
        self.drift: list[Difference] = []
        """What the nodes do not share; known when the run is closed, where it was asked for."""
        self.bundle: Path | None = None
        self.whole = True
        """Whether no check and no node was left out by an option or a path; only then ready speaks of the cluster."""
        self._inventory_name = inventory_name
        self._lock = ClusterLock(self.cluster)

    @property
    def directory(self) -> Path:
        """Where its journal and its reports are."""
        return self.options.report_dir / self.id

    @property
    def context(self) -> Context:
        """What checks may ask about this run."""
        options = self.options
        return Context(self.cluster, options.train, options.load, options.cleanup)

    @property
    def verdicts(self) -> list[Verdict]:
        """All verdicts so far."""
        return self.judge.verdicts

    @property
    def outcomes(self) -> list[Outcome]:
        """All outcomes so far."""
        return [verdict.outcome for verdict in self.verdicts]

    @property
    def all_well(self) -> bool:
        """Whether all that was judged is as it has to be."""
        return not self.interrupted and self.options.mode != "undo" and is_ready(self.outcomes)

    @property
    def nodes_ready(self) -> int:
        """On how many nodes nothing is wrong or unknown but what follows from elsewhere; known at its close."""
        judged = any(outcome is not Outcome.SKIPPED for outcome in self.outcomes)
        return len(sound(self.causes, self.cluster.names)) if judged and not self.stopped else 0

    @property
    def ready(self) -> bool:
        """Whether the cluster is ready, as far as it was judged: all of it, or as many nodes as are enough."""
        enough = self.options.min_ready
        return self.all_well or (enough is not None and not self.interrupted and self.nodes_ready >= enough)

    @property
    def exit_status(self) -> int:
        """The exit status of the contract."""
        nothing_to_undo = self.options.mode == "undo" and not self.verdicts
        return 0 if self.ready or nothing_to_undo else exit_status(self.outcomes)

    @property
    def next(self) -> str | None:
        """The one thing to do next."""
        if self.options.mode == "undo":
            return next((verdict.cause for verdict in self.verdicts if verdict.cause), None)
        return next_step(self.causes, self.options.mode, self.options.same_command, len(self.cluster.names))

    @property
    def undo_command(self) -> str | None:
        """How to take back what this run changed, if it changed anything."""
        if not exists(self.journal.path) or not any(record.to_undo for record in self.journal.records()):
            return None
        return self.options.command(f"--undo {self.id}")

    def open(self, steps: Iterable[int]) -> None:
        """Connect to all nodes, lock them where they are changed or train, and begin to read what steps ask about.

        Raises:
            CannotReport: Nothing can be written where reports go.
            Locked: Another run is changing this cluster.
            CommandFailed: A node took back a network change that was never confirmed, and is cut off since.
        """
        self._reserve_directory()
        mode = self.options.mode
        # Two that train at a time would take the same unfinished run, or port, and end each other's ranks.
        if mode in ("fix", "undo") or self.options.train != "none":
            self.cluster.connect()
            self._lock.acquire(self.id)
            if mode in ("fix", "undo"):
                self.cluster.on_all(take_back_unconfirmed, self.cluster.reached)
            if mode != "undo":
                self.cluster.read_ahead(rounds(steps, whole=self.whole))
        else:
            self.cluster.connect_and_read_ahead(rounds(steps, whole=self.whole))

    def _reserve_directory(self) -> None:
        """Make the run's directory, so that no other run that begins in this second writes its journal there too."""
        try:
            self.options.report_dir.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    return self.directory.mkdir()
                except FileExistsError:
                    self.id = _free_id(self.options, self.started)
                    self.journal.path = self.directory / FILE
        except OSError as error:
            raise CannotReport(
                f"No report can be written to {self.options.report_dir} ({error.strerror}): name another directory "
                "with --report-dir."
            ) from None

    def abandon(self) -> None:
        """Disconnect without a report, and leave no empty directory."""
        self.cluster.close()
        with suppress(OSError):
            self.directory.rmdir()

    def _explain(self) -> None:
        """Rank what is wrong, with what differs there; where all is well, keep what the nodes are for the next time."""
        self.causes = [] if self.options.mode == "undo" else diagnose(self.verdicts)
        if self.interrupted:
            return
        puzzling = [cause for cause in self.causes if cause.outcome in STOPS_OTHERS]
        if puzzling or (self.all_well and self.whole):
            states = read_states(self.cluster)
            alike = neutral(self.cluster, states)
            self.drift = differing(alike)
            if self.all_well:
                keep_states(self.directory, self.id, states)
            names = self.cluster.names
            explain(puzzling, states, alike, names, last_ready(self.options.report_dir, names))

    def undo(self) -> None:
        """Take back the run named by --undo; every change told as a verdict.

        Raises:
            JournalError: There is no such run.
        """
        assert self.options.undo is not None  # the mode says so
        journal = self._journal_to_undo(self.options.undo)
        undo_run(self.cluster, journal, self._note, self.options.allowed, self.options.command())
        try:
            node_journal.forget_undone(self.cluster, journal)
        except ClusterError as error:
            if not self.verdicts:
                raise
            # What was taken back is told all the same.
            self.verdicts[-1].warning = f"the journal's copy stays on a node: {error}"

    def _journal_to_undo(self, run_id: str) -> Journal:
        """Find a run's journal here, or, where this is not the machine that it ran on, on the nodes that it changed."""
        try:
            journal = find_journal(self.options.report_dir, run_id)
            missing = f"{journal.path} is empty."
        except JournalError as error:
            journal, missing = None, str(error)
        if journal and journal.records():
            return journal
        recovered = node_journal.recover(self.cluster, self.options.report_dir, run_id)
        if recovered is None:
            raise JournalError(f"{missing} No node keeps a journal of it either.")
        return recovered

    def _note(self, taken: UndoResult) -> None:
        record = taken.record
        outcome = Outcome.FIX_FAILED if taken.trouble else Outcome.FIXED
        title = f"{'Still in place' if taken.trouble else 'Taken back'}: {headline(record.describe)}"
        verdict = Verdict(record.check, record.step, title, record.node, outcome, cause=taken.trouble)
        self.judge.record(verdict)

    def close(self) -> None:
        """Unlock, write report.json, and have the other reports made from it.

        Raises:
            OSError: It cannot be written.
            ReportError: Another report cannot be written; the message is the whole sentence.
        """
        if self.interrupted:
            self.cluster.give_up_reading_ahead()
        self._lock.release()
        self._explain()
        self._write_report()
        if not self.options.bundle:
            # The formats are made from the file, and need the room; a bundle tells once more what the nodes are.
            for node in self.cluster.nodes:
                node.forget()
        if self.judge.broken:
            (self.directory / "errors.txt").write_text(redact("\n".join(self.judge.broken)), encoding="utf-8")
        reports.render(self.directory)
        if self.options.metrics and self.options.mode != "undo":
            reports.write_metrics(self.directory, self.options.metrics)
        if self.options.bundle:
            self.bundle = write_bundle(self.directory, self.cluster, self.journal)
        self.cluster.close()

    def _write_report(self) -> None:
        # What it is made of is gone with the end of this: the other formats read the file, and need the room.
        run = {
            "id": self.id,
            "mode": self.options.mode,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self._began, 1),
            "inventory": self._inventory_name,
            "cluster": self.cluster.inventory.name,
            "command": self.options.typed,
            "simulated": self.cluster.inventory.simulated_parts,
            "ready": self.ready,
            "nodes_ready": None if self.options.mode == "undo" or self.stopped else self.nodes_ready,
            "min_ready": self.options.min_ready,
            "interrupted": self.interrupted,
            "whole": self.whole and not self.stopped,
            "version": VERSION,
        }
        judged = {verdict.step for verdict in self.verdicts}
        body = {
            "steps": [{"number": number, "title": self.steps[number]} for number in sorted(judged & set(self.steps))],
            "checks": verdicts_as_json(self.verdicts),
            "diagnosis": [asdict(cause) for cause in self.causes],
            "drift": [asdict(one) for one in self.drift[:MOST_DRIFT]],
            "more_drift": len(self.drift[MOST_DRIFT:]),
            "training": self.training,
            "next": self.next,
            "undo": self.undo_command,
        }
        write_report(self.directory, run, self.cluster.nodes, body)


def _free_id(options: Options, started: datetime) -> str:
    base = f"{started:%Y%m%d-%H%M%S}-{options.mode}"
    names = [base, *(f"{base}-{number}" for number in range(2, 100))]
    return next(name for name in names if not exists(options.report_dir / name))
