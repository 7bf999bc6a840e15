"""One lab for all end-to-end tests, in a folder of its own, taken down afterwards."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import Lab, told
from tests.e2e.pairs import pairs
from tests.e2e.score import Score

SETTLED_S = 90


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long tests be asked for."""
    parser.addoption("--faults", action="store_true", help="all faults of the lab, in pairs as well, and every kill")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the score of the faults."""
    # Of several processes, the one that hears of all tests.
    if config.getoption("--faults") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Score(map(" and ".join, pairs())))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless they are asked for."""
    if not config.getoption("--faults"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two bare nodes; `bare` is saved, so that a test can go back to it."""
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    lab = Lab(tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("reports"))
    try:
        lab.do("up")
        lab.do("save", "bare")
        yield lab
    finally:
        lab.do("down")


@pytest.fixture
def bare(lab: Lab) -> Lab:
    """The lab with its nodes as they were at first."""
    lab.do("restore", "bare")
    return lab


@pytest.fixture(scope="session")
def readied(lab: Lab) -> Lab:
    """The lab after `--fix`, without training; `ready` is saved."""
    lab.do("restore", "bare")
    run = lab.runbook("--fix", "--train", "none")
    assert run.exit == 0, told(run)
    lab.do("save", "ready")
    return lab


@pytest.fixture
def ready(readied: Lab) -> Lab:
    """The lab as it was after `--fix`, whatever other tests did to it since."""
    readied.do("restore", "ready")
    settled(readied)
    return readied


def settled(lab: Lab) -> None:
    """Wait until the restored swarm has given each node a container again, so that a test knows what it breaks."""
    until = time.monotonic() + SETTLED_S
    for node in ("spark-1", "spark-2"):
        while not lab.on(node, "docker ps -q --filter label=com.spark-runbook.cluster", check=False).strip():
            assert time.monotonic() < until, f"{node} got no container"
            time.sleep(0.2)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder for reports of one test alone."""
    return tmp_path
