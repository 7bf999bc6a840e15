"""What single outcomes make of a whole run, and the exit status of the contract."""

import pytest

from engine.outcome import exit_status, is_ready
from reports.outcome import Outcome

O = Outcome  # noqa: E741 - the table below is read by columns


@pytest.mark.parametrize(
    ("outcomes", "ready", "status"),
    [
        ([O.PASSED], True, 0),
        ([O.PASSED, O.FIXED, O.SKIPPED], True, 0),
        ([O.PASSED, O.FAILED], False, 1),
        ([O.PASSED, O.WOULD_FIX, O.BLOCKED], False, 1),
        ([O.FIX_FAILED], False, 1),
        ([O.FAILED, O.UNKNOWN], False, 1),
        ([O.PASSED, O.UNKNOWN], False, 6),
        ([O.UNKNOWN, O.BLOCKED], False, 6),
        ([O.PASSED, O.BLOCKED], False, 6),
        ([O.SKIPPED], False, 6),
        ([], False, 6),
    ],
)
def test_outcomes_make_a_verdict(outcomes: list[Outcome], ready: bool, status: int) -> None:
    assert (is_ready(outcomes), exit_status(outcomes)) == (ready, status)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in (O.PASSED, O.FIXED, O.SKIPPED)])
def test_nothing_but_passed_and_fixed_is_ready(outcome: Outcome) -> None:
    assert not is_ready([O.PASSED, outcome])
