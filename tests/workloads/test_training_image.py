"""What docker is given to build the training image."""

import io
import tarfile
from hashlib import sha256

from cluster.inventory import IMAGE_RECIPE
from workloads.requirements import pinned
from workloads.training_image import context, dockerfile, requirements


def test_the_image_begins_with_its_base() -> None:
    assert dockerfile("mine:1").splitlines()[0] == "FROM mine:1"


def test_every_pinned_package_goes_in_but_the_bases_own_torch() -> None:
    names = {line.partition("==")[0] for line in requirements().splitlines()}
    assert names == set(pinned()) - {"torch"} | {"bitsandbytes"}


def test_docker_gets_both_files() -> None:
    with tarfile.open(fileobj=io.BytesIO(context("mine:1"))) as tar:
        assert tar.getnames() == ["Dockerfile", "requirements.txt"]


def test_other_packages_make_another_image() -> None:
    seen = (IMAGE_RECIPE, sha256((dockerfile("") + requirements()).encode()).hexdigest()[:8])
    assert seen == (2, "c4ced665"), "raise IMAGE_RECIPE, so that nodes build the image anew, and note it here"
