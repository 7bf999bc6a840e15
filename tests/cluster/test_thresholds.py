"""The limits that a user may set, and what follows from them."""

import pytest

from cluster.thresholds import Thresholds


@pytest.mark.parametrize(
    ("given", "least"),
    [
        ({}, 25.0),
        ({"rdma_gbps": 60}, 25.0),
        # On slower links the least that is no failure cannot be more than what is asked of them.
        ({"rdma_gbps": 20}, 20.0),
        ({"rdma_gbps": 20, "rdma_least_gbps": 5}, 5.0),
    ],
)
def test_what_is_a_failure_is_never_more_than_what_is_worth_a_word(given: dict[str, float], least: float) -> None:
    assert Thresholds.model_validate(given).rdma_least_gbps == least


def test_so_it_is_for_collectives() -> None:
    assert Thresholds(collective_gb_per_s=0.5).collective_least_gb_per_s == 0.5
