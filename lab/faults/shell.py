"""Commands that faults have in common."""

import json
from shlex import quote
from typing import Any, Final

HARDWARE: Final = "/var/lib/spark-lab/hardware.json"
DAEMON_JSON: Final = "/etc/docker/daemon.json"


def edit_json(path: str, statement: str) -> str:
    """Change a JSON file by a Python statement about `it`, the object in the file."""
    program = f"import json; path = {path!r}; it = json.load(open(path)); {statement}; json.dump(it, open(path, 'w'))"
    return f"python3 -c {quote(program)}"


def gpu(**values: Any) -> str:
    """Change what the first GPU of the node is, or says; the state file's own words."""
    return edit_json(HARDWARE, f"it['gpus'][0].update(json.loads({json.dumps(values)!r}))")


def driver(**values: str) -> str:
    """Change the driver of the node."""
    return edit_json(HARDWARE, f"it['driver'].update({values!r})")


def settings(statement: str) -> str:
    """Change daemon.json by a statement about `it`, and have docker try to take it up."""
    return f"{edit_json(DAEMON_JSON, statement)} && (systemctl restart docker || true)"
