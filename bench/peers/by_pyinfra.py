"""pyinfra: a fact a question, on all hosts. EXPECTED names the answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

from probes import probes
from pyinfra import host
from pyinfra.facts.server import Command

expected = json.loads(Path(os.environ["EXPECTED"]).read_text())[host.name]
for name, command in probes().items():
    answer = host.get_fact(Command, command) or ""
    assert answer.rstrip("\n") == expected[name], (host.name, name, answer)
