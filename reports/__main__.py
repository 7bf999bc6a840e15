"""What can be done with the reports of runs that have ended: `python -m reports --help`."""

import argparse
import sys
from pathlib import Path

from reports import ReportError, prune, write_formats
from reports.index import write_index
from reports.schema import schema

OUT = Path("reports/out")

_EXAMPLES = """\
examples:
  python -m reports reports/out/latest     make the newest run's report.html, junit.xml and summary.md again
  python -m reports history                make index.html over all runs again
  python -m reports prune --keep 20        tell which runs could go; with --yes remove them
  python -m reports schema                 print the JSON Schema of report.json

A folder that is called like a command is meant by ./history and the like.
"""


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked for; `latest` stays where it points.

    Returns:
        The exit status: 0, or 1 where something cannot be read or written, with one sentence on stderr.
    """
    words = sys.argv[1:] if arguments is None else arguments
    commands = {"history": _history, "prune": _prune, "schema": _schema}
    command = commands.get(words[0]) if words else None
    try:
        return command(words[1:]) if command else _tell(words)
    except ReportError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'The output'}: {error.strerror}; name another place.", file=sys.stderr)
    return 1


def _tell(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Write junit.xml, report.html and summary.md from a run's report.json.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run_dir", type=Path, help="the run's folder, such as reports/out/latest; or a command, as below"
    )
    for path in write_formats(parser.parse_args(words).run_dir):
        print(path)
    return 0


def _schema(words: list[str]) -> int:
    argparse.ArgumentParser(
        prog="python -m reports schema", description="Print the JSON Schema of report.json."
    ).parse_args(words)
    print(schema(), end="")
    return 0


def _history(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports history", description="Make index.html over all runs again."
    )
    parser.add_argument("folder", type=Path, nargs="?", default=OUT, help=f"where the runs are (default: {OUT})")
    print(write_index(_there(parser.parse_args(words).folder)))
    return 0


def _prune(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports prune",
        description="Tell which old runs could go, and with --yes remove them. A run that is removed can no longer be "
        "undone; so those that changed something stay unless --undoable is given.",
    )
    parser.add_argument("folder", type=Path, nargs="?", default=OUT, help=f"where the runs are (default: {OUT})")
    parser.add_argument("--keep", type=_number, default=prune.KEPT, metavar="N", help="how many of the newest stay")
    parser.add_argument("--undoable", action="store_true", help="also runs whose changes could still be taken back")
    parser.add_argument("--yes", action="store_true", help="remove them; without it nothing is removed")
    asked = parser.parse_args(words)
    runs = prune.judge(_there(asked.folder), asked.keep, undoable=asked.undoable)
    going = [run for run in runs if run.stays is None]
    if asked.yes:
        prune.remove(going)
        write_index(asked.folder)
    for run in runs[asked.keep :]:
        told = f"stays: {run.stays}" if run.stays else "removed" if asked.yes else "could go"
        print(f"{run.folder}  {run.size / 1e6:.1f} MB  {told}")
    size = sum(run.size for run in going) / 1e6
    if not going:
        print(f"Nothing to remove: {len(runs)} runs, all stay.")
    elif asked.yes:
        print(f"Removed {len(going)} of {len(runs)} runs, {size:.1f} MB.")
    else:
        print(f"{len(going)} of {len(runs)} runs could go, {size:.1f} MB. Nothing was removed: --yes removes them.")
    return 0


def _there(folder: Path) -> Path:
    if not folder.is_dir():
        raise ReportError(f"{folder} is no folder with runs: name the one that --report-dir named.")
    return folder


def _number(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given}: give a number of runs, at least 1")
    return int(given)


if __name__ == "__main__":
    sys.exit(main())
