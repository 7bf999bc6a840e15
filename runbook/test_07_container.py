"""Step 7: there is exactly one container of ours on each node, and it is what training needs."""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import stack
from runbook.causes import container as why
from runbook.conditions import has_docker, has_peers, offers_to_a_swarm
from runbook.found import container as found
from runbook.settling import at_a_second_look, containers_settle

pytestmark = step(7, "Find your Docker container ID", settles=containers_settle)


@check("container.one", needs=("stack.running",), remedy="see the cause; `docker rm --force NAME` removes one too many")
def test_one_container_runs(node: Node) -> None:
    """Exactly one training container runs, found by its label."""
    assert len(node.container.ours) == 1, why.not_one(node)


@check("container.image", fix=stack.recreate, needs=("container.one", "stack.image"))
def test_container_runs_the_image(node: Node) -> None:
    """The container runs the image that the inventory names, as it is now."""
    assert found.running(node).image == node.stack.image_id, "the image was loaded anew since the container started"


@check(
    "container.unpaused",
    fix=stack.unpause,
    needs=("container.one",),
    together="nodes",
    settles=at_a_second_look,
)
def test_container_is_not_paused(node: Node) -> None:
    """Nobody has paused the container."""
    assert found.running(node).status == "running", "somebody has paused it (`docker pause`): nothing in it runs"


@check("container.workspace", fix=stack.recreate, needs=("container.unpaused", "stack.directories"))
def test_container_sees_the_workspace(node: Node) -> None:
    """The container sees the node's workspace."""
    assert found.inside(node).workspace == "the node's own", "the directory was made anew since the container started"


@check(
    "container.gpu",
    fix=stack.recreate,
    needs=("container.one", "swarm.gpu_advertised"),
    explained_by=("swarm.joined",),
    applies=offers_to_a_swarm,
)
def test_container_was_given_its_own_gpu(node: Node) -> None:
    """Swarm gave the container this node's own GPU."""
    assert found.given(node) in node.gpu.uuids, why.not_given(node)


@check(
    "container.gpu_works",
    fix=stack.recreate,
    needs=("container.unpaused", "container.gpu", "container.workspace"),
    explained_by=(
        "toolkit.installed",
        "toolkit.version",
        "toolkit.settings_valid",
        "toolkit.mode",
        "toolkit.registered",
        "gpu.default_runtime",
        "gpu.swarm_resource",
        "gpu.in_force",
        "container.gpu",
    ),
    applies=has_docker,
)
def test_gpu_works_in_the_container(node: Node) -> None:
    """The container sees the GPU that it was given, and no other."""
    assert ",".join(found.inside(node).devices) == found.given(node), why.not_working(node)


@check(
    "container.shared_memory",
    needs=("container.one",),
    threshold="shared_memory_gib",
    remedy="recreate the stack: swarm ignores shm_size, so it takes a tmpfs at /dev/shm",
)
def test_shared_memory_is_large_enough(node: Node) -> None:
    """The container has enough shared memory for NCCL and for loading data."""
    assert found.running(node).shared_memory_gib >= node.cluster.thresholds.shared_memory_gib, (
        "docker's own 64 MiB are too few: NCCL fails with `Error while creating shared memory segment`"
    )


@check(
    "container.packages",
    needs=("container.workspace",),
    remedy="use an image with the packages of workloads/requirements.txt, or give them to the container with `mounts`",
)
def test_packages_are_there(node: Node) -> None:
    """The container has the packages that the program imports."""
    assert found.missing_packages(node) == (), "the program would end with an ImportError"


@check(
    "container.compatible",
    needs=("container.packages",),
    remedy="take the package out of the image (`pip uninstall torchao`), or use one that brings a newer version",
)
def test_packages_go_together(node: Node) -> None:
    """The container has no package beside which the program cannot start."""
    assert found.too_old(node) == (), "peft refuses to add an adapter beside it"


@check(
    "container.pinned",
    needs=("container.packages",),
    warns=True,
    remedy="install what workloads/requirements.txt pins",
)
def test_packages_are_those_that_were_tried(node: Node) -> None:
    """The packages have the versions that the program was tried with."""
    assert found.unpinned(node) == (), "the program was not tried with these versions"


@check(
    "container.same_packages",
    needs=("container.packages",),
    applies=has_peers,
    remedy="use the same image and mounts on every node",
)
def test_packages_are_the_same(cluster: Cluster) -> None:
    """The packages of the fine-tune have the same versions on all nodes."""
    assert found.differing_packages(cluster) == (), "ranks with different versions may compute different things"
