"""What can be done with the reports of runs that have ended: `python -m reports --help`."""

import argparse
import sys
from pathlib import Path

from reports import ReportError, write_formats
from reports.schema import schema

_EXAMPLES = """\
examples:
  python -m reports reports/out/latest     make the newest run's report.html, junit.xml and summary.md again
  python -m reports schema                 print the JSON Schema of report.json
"""


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked for; `latest` stays where it points.

    Returns:
        The exit status: 0, or 1 where something cannot be read or written, with one sentence on stderr.
    """
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Write junit.xml, report.html and summary.md from a run's report.json.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_dir", type=Path, help="the run's folder, such as reports/out/latest; or `schema`")
    asked = parser.parse_args(arguments).run_dir
    if asked == Path("schema"):
        print(schema(), end="")
        return 0
    try:
        for path in write_formats(asked):
            print(path)
    except ReportError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
