"""Who is to blame when a job fails, from what the ranks have told."""

import json

from workloads.job import Rank, guilty


def told(number: int, *events: dict[str, object], status: int | None = None) -> Rank:
    rank = Rank(number, f"spark-{number + 1}")
    for event in events:
        rank.hear(json.dumps(event))
    if status is not None:
        rank.ended(status)
    return rank


LOST = {"event": "error", "rank": 0, "message": "lost another rank at step 4"}
OUT_OF_MEMORY = {"event": "error", "rank": 1, "message": "out of memory"}
DONE = {"event": "end", "rank": 0, "weights_sha256": "a"}


def test_rank_that_was_killed_is_blamed_and_not_the_one_that_lost_it() -> None:
    ranks = [told(0, LOST, status=1), told(1, status=137)]
    blamed = guilty(ranks)
    assert blamed is ranks[1]
    assert "rank 1 on spark-2 died with exit 137 (killed from outside, as the kernel does where memory" in blamed.story


def test_rank_that_says_why_is_blamed() -> None:
    ranks = [told(0, LOST, status=1), told(1, OUT_OF_MEMORY, status=1)]
    assert guilty(ranks) is ranks[1]
    assert ranks[1].story == "rank 1 on spark-2: out of memory"


def test_first_to_fail_by_itself_is_blamed() -> None:
    second = told(1, status=137)
    ranks = [told(0, status=143), second]
    second.failed_at = ranks[0].failed_at - 1
    assert guilty(ranks) is second


def test_silent_rank_is_blamed_when_the_others_waited_for_it() -> None:
    waited = {"event": "error", "rank": 0, "message": "waited 60 s while training: another rank is gone"}
    ranks = [told(0, waited, status=1), told(1, {"event": "phase", "rank": 1, "phase": "training"})]
    assert guilty(ranks) is ranks[1]
    assert "rank 1 on spark-2 hangs" in ranks[1].story


def test_end_without_a_result_is_a_failure() -> None:
    assert told(0, status=0).failed
    assert not told(0, DONE, status=0).failed


def test_garbage_is_kept_as_log_and_breaks_nothing() -> None:
    rank = told(0)
    for line in ('{"event"', '{"event": "step"}', '{"event": "step", "loss": "x"}', "\x00", '{"event": null}'):
        rank.hear(line)
    assert rank.error is None
