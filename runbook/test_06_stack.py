"""Step 6: image, directories and program are on every node, and the stack runs a container on each."""

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import image, stack
from runbook.causes import stack as why
from runbook.conditions import by_swarm, has_peers
from runbook.found import stack as found
from runbook.settling import tasks_settle
from workloads import launcher

pytestmark = step(6, "Join worker nodes and deploy")


@check("stack.image", fix=image.fetch, needs=("docker.usable",), together="workers")
def test_image_is_there(node: Node) -> None:
    """The training image is on the node, before anything asks for it."""
    assert node.stack.image_id != "", "it would be pulled during the deployment, which looks like a hang"


@check(
    "stack.image_architecture",
    needs=("stack.image",),
    remedy="take the image that is built for linux/arm64, which is what a Spark runs, or build it on a Spark",
)
def test_image_is_for_the_processor(node: Node) -> None:
    """The training image is for the node's processor."""
    assert node.stack.image_architecture == node.docker.engine.architecture, (
        "it is for another processor: whatever it starts ends with exec format error"
    )


@check(
    "stack.same_image",
    fix=image.give_all_the_same,
    needs=("stack.image",),
    applies=has_peers,
    remedy="pull the same image by digest on every node",
)
def test_image_is_the_same(cluster: Cluster) -> None:
    """All nodes have the same image."""
    assert cluster.drift(lambda node: node.stack.image_content) == SAME, "one tag, different images: ranks would differ"


@check("stack.directories", fix=stack.make_directories, needs=("ssh.sudo",), together="nodes")
def test_directories_exist(node: Node) -> None:
    """The directories that the container sees exist."""
    assert found.missing_directories(node) == (), "swarm makes none: bind source path does not exist"


@check("stack.workspace_writable", fix=stack.own_workspace, needs=("ssh.sudo", "stack.directories"), together="nodes")
def test_workspace_is_writable(node: Node) -> None:
    """The user may write into the workspace."""
    assert found.not_writable(node, node.cluster.workspace) == (), (
        "it belongs to another: docker makes directories as root"
    )


@check(
    "stack.cache_writable",
    needs=("stack.directories",),
    warns=True,
    remedy="give it to the user with chown; containers write there as root all the same",
)
def test_model_cache_is_writable(node: Node) -> None:
    """The user may write into the model cache."""
    assert found.not_writable(node, node.cluster.model_cache) == (), (
        "a download outside of a container would be refused"
    )


@check("stack.workload", fix=stack.copy_workload, needs=("stack.workspace_writable",), together="nodes")
def test_workload_is_copied(node: Node) -> None:
    """The fine-tuning program, its recipes and its data are in the workspace, whole."""
    assert found.stale_files(node) == (), "files are missing or differ from this version's"


@check(
    "stack.deployed",
    fix=stack.deploy,
    needs=(
        "swarm.gpu_advertised",
        "swarm.active",
        "swarm.strangers",
        "stack.image_architecture",
        "stack.same_image",
        "stack.directories",
        "stack.workload",
    ),
)
def test_stack_is_deployed(cluster: Cluster) -> None:
    """The stack is deployed as this inventory describes it."""
    assert launcher.deployed(cluster) == launcher.expected(cluster), why.not_deployed(cluster)


@check("stack.untouched", fix=stack.deploy, needs=("stack.deployed",), applies=by_swarm)
def test_service_is_untouched(cluster: Cluster) -> None:
    """Nobody has changed the stack's service since it was deployed."""
    assert found.changed_by_hand(cluster) == (), "somebody updated it by hand: what runs is not what the inventory says"


@check(
    "stack.running",
    needs=("stack.untouched",),
    settles=tasks_settle,
    remedy="see the task's error; `docker service logs` has more",
)
def test_task_runs(node: Node) -> None:
    """One task of the stack runs on the node."""
    assert found.running_tasks(node) == 1, why.not_running(node)
