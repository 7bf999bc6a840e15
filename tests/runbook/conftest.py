"""The runbook's own assertions, watched as they are in a run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.plugin import Comparisons
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import in_order

# Before anybody imports it: without this its assertions would not tell what they compared.
pytest.register_assert_rewrite("runbook")


@pytest.fixture
def recorded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Recorded]]:
    """Make a recorded cluster; `size`, `inventory` and `port` as in Recorded."""
    plugins = request.config.pluginmanager
    watching: list[Comparisons] = []

    def make(size: int = 2, inventory: str = "", port: int = 22) -> Recorded:
        cluster = Recorded(tmp_path, size=size, inventory=inventory, port=port)
        watching.append(Comparisons(cluster.compared))
        plugins.register(watching[-1])
        return cluster

    yield make
    for one in watching:
        plugins.unregister(one)


@pytest.fixture
def spark(recorded: Callable[..., Recorded]) -> Recorded:
    """Two Sparks side by side, in order but for what a test says."""
    return in_order(recorded())
