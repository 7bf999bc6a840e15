"""What is measured under load, and the fine-tunes of step 10: each once, when the first check asks for it."""

from collections.abc import Callable
from typing import Generic, TypeVar

import pytest

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from engine.comparison import tell
from engine.earlier import trainings
from engine.plugin import RUN
from engine.run import Run
from runbook.found.training import Earlier, last_alike
from workloads.bandwidth import Flow, measure_rdma, measure_rdma_latency, measure_tcp
from workloads.collective.launch import Collective, measure_collective
from workloads.deploy import SMOKE_RECIPE, workspace_files
from workloads.gpu_load.launch import GpuLoad
from workloads.job import Training
from workloads.launch import Launch
from workloads.recipe import Recipe, RecipeError, load_recipe

T = TypeVar("T")


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Refuse a recipe that is none before anything is touched, and tell which files of the workspace are ours."""
    if RUN not in config.stash:
        return
    cluster = config.stash[RUN].cluster
    name = cluster.inventory.recipe
    said = "--recipe" if config.getoption("recipe") else "`recipe` in the inventory"
    try:
        if name is not None:
            load_recipe(name)
    except RecipeError as error:
        raise pytest.UsageError(f"{said}: {error}") from None
    cluster.program = tuple(workspace_files(name))


class Measured(Generic[T]):
    """A measurement that is made by whoever asks for it first, and told to all others, also where it failed."""

    def __init__(self, cluster: Cluster, measure: Callable[[Cluster], T]) -> None:
        """Keep what to measure; nothing is measured yet."""
        self._cluster = cluster
        self._measure = measure
        self._found: T | ClusterError | None = None

    def __call__(self) -> T:
        """Measure, or return what was found.

        Raises:
            ClusterError: It cannot be measured.
        """
        if self._found is None:
            self._cluster.stop_reading_ahead()
            try:
                self._found = self._measure(self._cluster)
            except ClusterError as error:
                self._found = error
        if isinstance(self._found, ClusterError):
            raise self._found
        return self._found


@pytest.fixture(scope="session")
def tcp(cluster: Cluster) -> Measured[list[Flow]]:
    """TCP between neighbours, in Gb/s."""
    return Measured(cluster, measure_tcp)


@pytest.fixture(scope="session")
def rdma(cluster: Cluster) -> Measured[list[Flow]]:
    """RDMA writes between neighbours, in Gb/s."""
    return Measured(cluster, measure_rdma)


@pytest.fixture(scope="session")
def rdma_latency(cluster: Cluster) -> Measured[list[Flow]]:
    """RDMA writes between neighbours, in microseconds."""
    return Measured(cluster, measure_rdma_latency)


@pytest.fixture(scope="session")
def collective(cluster: Cluster) -> Measured[Collective]:
    """all_gather and all_reduce over all nodes."""
    return Measured(cluster, measure_collective)


FineTune = Measured[Training]
"""A fine-tune is launched by whoever asks for it first."""


def _fine_tune(cluster: Cluster, run: Run, recipe: str) -> FineTune:
    def launch(cluster: Cluster) -> Training:
        training = Launch(cluster, recipe).run()
        run.training = training.as_report() | {"settings": _settings(recipe)}
        return training

    return Measured(cluster, launch)


def _settings(recipe: str) -> dict[str, str]:
    """What the recipe asks for, key by key, but for limits of time and room."""
    asked = load_recipe(recipe).model_dump(exclude={"timeouts", "needs", "reference"})
    return {name: tell(value) for name, value in asked.items() if value is not None}


@pytest.fixture(scope="session")
def smoke(cluster: Cluster, run: Run) -> FineTune:
    """The smoke run: a tiny model, made on the spot."""
    return _fine_tune(cluster, run, SMOKE_RECIPE)


@pytest.fixture(scope="session")
def full(cluster: Cluster, run: Run) -> FineTune:
    """The full run: the recipe that the user names."""
    return _fine_tune(cluster, run, cluster.inventory.recipe or SMOKE_RECIPE)


@pytest.fixture(scope="session")
def last_full(cluster: Cluster, run: Run) -> Callable[[], Earlier | None]:
    """The last run before this one that trained by the same recipe on the same nodes; looked for when asked."""

    def look() -> Earlier | None:
        settings = _settings(cluster.inventory.recipe or SMOKE_RECIPE)
        return last_alike(trainings(run.options.report_dir, run.id), settings, cluster.names)

    return look


@pytest.fixture(scope="session")
def recipe(cluster: Cluster) -> Recipe:
    """What is to be trained in the end: the recipe that the user names, else that of the smoke run."""
    return load_recipe(cluster.inventory.recipe or SMOKE_RECIPE)


@pytest.fixture(scope="session")
def gpu_load(cluster: Cluster) -> GpuLoad:
    """The load on all GPUs of all nodes."""
    return GpuLoad(cluster)
