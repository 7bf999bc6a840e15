"""The launcher's own words, in ours; the wordings are checked against real launches in test_refusals.py."""

from __future__ import annotations

import pytest

from workloads.join_errors import explain_join_failure


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        (
            "torch.distributed.DistStoreError: Timed out after 21 seconds waiting for clients. 1/2 clients joined.",
            "1 of 2",
        ),
        (
            "torch.distributed.DistNetworkError: The client socket has timed out after 20000ms while trying to connect "
            "to (10.0.0.9, 29500).",
            "nothing answered at 10.0.0.9:29500",
        ),
        (
            "ConnectionError: Tried to launch distributed communication on port `29500`, but another process is "
            "utilizing it. Please specify a different port",
            "port 29500 is in use on rank 0",
        ),
    ],
    ids=["peers", "address", "port"],
)
def test_a_failure_to_join_is_explained(stderr: str, told: str) -> None:
    assert told in str(explain_join_failure(f"Traceback (most recent call last):\n{stderr}\n"))


def test_another_failure_is_left_to_others() -> None:
    assert explain_join_failure("ValueError: something else") is None
