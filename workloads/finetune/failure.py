"""Exceptions that were not foreseen, in one sentence."""

from __future__ import annotations

import re

_SOURCE_LINE = re.compile(r"^\[\S*gloo\S*\]\s*")
_LOST = re.compile(r"Connection closed by peer|Connection reset by peer|Broken pipe|timed out", re.IGNORECASE)
_NO_ADDRESS = re.compile(r"Unable to find address for: (\S+)")


def explain(failure: Exception, doing: str) -> str:
    """Say what failed while doing what; gloo's wordings, as of torch 2.13, are put as what they mean for the job."""
    reason = _SOURCE_LINE.sub("", next(iter(str(failure).strip().splitlines()), "no reason given"))
    if found := _NO_ADDRESS.search(reason):
        return f"the interface {found[1]} has no address here: correct GLOO_SOCKET_IFNAME for this node"
    if _LOST.search(reason):
        return f"lost another rank while {doing}: {reason.split('. ')[0]}"
    return f"{type(failure).__name__} while {doing}: {reason}"
