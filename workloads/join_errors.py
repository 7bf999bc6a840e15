"""What `accelerate launch` says when the nodes do not find each other, in one sentence.

That happens before the program starts, so there is no event, only a traceback on stderr. The wordings are those of
torch 2.13 and accelerate 1.15, seen with one node left out, a wrong address, and a port in use.
"""

from __future__ import annotations

import re

_SENTENCES = (
    (
        re.compile(r"Timed out after (\d+) seconds waiting for clients\. (\d+)/(\d+) clients joined"),
        r"rank 0 waited \1 s and \2 of \3 nodes joined: "
        "the others were not started, have another main_process_ip or port, or also believe that they are rank 0",
    ),
    (
        re.compile(r"client socket has timed out after (\d+)ms while trying to connect to \(([^,]+), (\d+)\)"),
        r"nothing answered at \2:\3 for \1 ms: "
        "main_process_ip is not rank 0's address, a firewall drops the port, or rank 0 was not started",
    ),
    (
        re.compile(r"distributed communication on port `(\d+)`, but another process is utilizing it"),
        r"port \1 is in use on rank 0: an earlier run still holds it, or main_process_port belongs to something else",
    ),
)


def explain_join_failure(stderr: str) -> str | None:
    """Return why the nodes did not become one job, or None if stderr does not tell."""
    for pattern, sentence in _SENTENCES:
        if found := pattern.search(stderr):
            return found.expand(sentence)
    return None
