"""The JSON Schema of report.json, from the model that reads it: `python -m reports schema`."""

import json
from pathlib import Path

from reports.model import REPORT

VERSION = 1
FILE = Path(__file__).with_name(f"report-{VERSION}.schema.json")


def schema() -> str:
    """Return the schema (draft 2020-12) as JSON; fields that it does not name are allowed."""
    found = REPORT.json_schema(mode="validation")
    properties = {"schema": {"const": VERSION}, **found.pop("properties")}
    required = ["schema", *found.pop("required")]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:spark-runbook:report:{VERSION}",
        "title": "Report of Spark Runbook",
        "description": "What a run judged, on which nodes, and what is to be done next. Times are in seconds.",
    }
    body = {name: value for name, value in found.items() if name not in ("title", "description")}
    return json.dumps({**head, **body, "properties": properties, "required": required}, indent=1) + "\n"
