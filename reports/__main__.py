"""Tell a run again: `python -m reports RUN_DIR`."""

import argparse
import sys
from pathlib import Path

from reports import ReportError, write_formats


def main(arguments: list[str] | None = None) -> int:
    """Write the formats of a finished run again; `latest` stays where it points.

    Returns:
        The exit status: 0, or 1 where the report cannot be read or written, with one sentence on stderr.
    """
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Write junit.xml, report.html and summary.md from a run's report.json.",
    )
    parser.add_argument("run_dir", type=Path, help="the run's folder, such as reports/out/latest")
    try:
        for path in write_formats(parser.parse_args(arguments).run_dir):
            print(path)
    except ReportError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
