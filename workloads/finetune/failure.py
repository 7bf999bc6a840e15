"""Exceptions that were not foreseen, in one sentence."""

from __future__ import annotations

import re

# Gloo begins with the line of its source, and NCCL's errors have a class of their own.
_GLOO = re.compile(r"^\[\S*gloo\S*\]\s*")
_DISTRIBUTED = {"DistBackendError", "DistNetworkError", "DistStoreError"}


def explain(failure: Exception, doing: str) -> str:
    """Say what failed while doing what; a connection that broke means that another rank is gone."""
    first_line = next(iter(str(failure).strip().splitlines()), "no reason given")
    reason = _GLOO.sub("", first_line)
    if reason != first_line or type(failure).__name__ in _DISTRIBUTED:
        return f"lost another rank while {doing}: {reason.split('. ')[0]}"
    return f"{type(failure).__name__} while {doing}: {reason}"
