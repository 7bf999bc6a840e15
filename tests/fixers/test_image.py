"""What docker says of a build or a pull that it refuses, and what a person is told to do."""

from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import CommandFailed
from cluster.inventory import Image, this_machine
from fixers import image
from tests.docker_engine import Engine, listening

NAME = "nvcr.io/mine/secret:1"
LOG_IN = "; if the image wants a login, run `docker login nvcr.io` and `docker pull {}` on {}, then run this again."
DENIED = "pull access denied for mine/secret, repository does not exist or may require 'docker login'"


def _refused(engine: Engine, wanted: Image, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Get the image from an engine that refuses, and return what is said and the name of the node."""
    cluster = Cluster(this_machine().model_copy(update={"image": wanted}))
    (change,) = image.fetch(cluster.manager)
    with listening(engine, folder, monkeypatch), pytest.raises(CommandFailed) as refused:
        change.apply()
    return str(refused.value), cluster.manager.name


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (Engine(status=404, says=({"message": DENIED},)), f"docker on {{}}: {DENIED}"),
        (Engine(says=({"error": "unauthorized"},)), f"docker pull {NAME} on {{}}: unauthorized"),
    ],
    ids=["at once", "later"],
)
def test_an_image_that_wants_a_login_is_pulled_by_a_person(
    engine: Engine, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, node = _refused(engine, Image(name=NAME), tmp_path, monkeypatch)
    assert told == said.format(node) + LOG_IN.format(NAME, node)


def test_a_base_that_wants_a_login_is_pulled_by_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, node = _refused(Engine(says=({"error": DENIED},)), Image(base=NAME), tmp_path, monkeypatch)
    assert told == f"docker build on {node}: {DENIED}" + LOG_IN.format(NAME, node)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Image(base=NAME), ({"stream": "ERROR: 403 Client Error"}, {"error": "returned a non-zero code: 1"})),
        (Image(name=NAME), ({"error": "no space left on device"},)),
    ],
    ids=["pip", "the disk"],
)
def test_where_something_else_is_wrong_no_login_is_spoken_of(
    wanted: Image, says: tuple[dict[str, str], ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, _ = _refused(Engine(says=says), wanted, tmp_path, monkeypatch)
    assert "docker login" not in told
