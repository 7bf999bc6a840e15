"""Reading a report file, with one sentence where it cannot be read."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reports.model import REPORT, Report
from reports.text import clip


class ReportError(Exception):
    """A report that cannot be read or told; the message is one sentence for a person."""


def load(path: Path) -> Report:
    """Read a report file.

    Raises:
        ReportError: it is missing, unreadable, truncated, of another schema, or lacks what schema 1 promises.
    """
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"{path} cannot be read ({error.strerror}); name the folder of a finished run.") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(
            f"{path} is not whole JSON ({error}); the run that wrote it may have been cut off: run it again."
        ) from error
    if not isinstance(data, dict) or data.get("schema") != 1:
        found = clip(repr(data.get("schema")), 40) if isinstance(data, dict) else "none"
        raise ReportError(f"{path} is not a report of schema 1 (schema found: {found}); use the version that wrote it.")
    try:
        return REPORT.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{path}: {where}: {first['msg']}; the tool that wrote the file must correct it.") from error
