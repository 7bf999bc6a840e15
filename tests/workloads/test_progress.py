"""A rank that waits can say for whom, from the marks that all ranks leave."""

from __future__ import annotations

from typing import Any

from workloads.finetune.progress import Progress


class _Store(dict[str, str]):
    """As much of the launcher's store as is used, kept here."""

    def set(self, key: str, value: str) -> None:
        self[key] = value

    def wait(self, keys: list[str], _patience: object) -> None:
        assert set(keys) <= set(self)


def _waiting_after(*steps: int) -> str:
    store: Any = _Store()
    ranks = [Progress(store, rank, ["spark-1", "spark-2", "spark-3"]) for rank in range(3)]
    for rank, step in zip(ranks, steps, strict=True):
        rank.mark(step)
    return ranks[0].explain_wait()


def test_the_rank_that_is_behind_is_named_with_its_host() -> None:
    assert _waiting_after(7, 6, 7) == "rank 1 (spark-2) did not do its part: it is gone, hangs, or is far too slow"


def test_all_that_are_behind_are_named() -> None:
    assert _waiting_after(7, 6, 6).startswith("rank 1 (spark-2) and rank 2 (spark-3) did not")


def test_where_none_is_behind_none_is_blamed() -> None:
    assert _waiting_after(7, 7, 7).startswith("every rank ended its forward pass")
