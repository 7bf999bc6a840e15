"""Step 6: image, directories and program are on every node, and the stack runs a container on each."""

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import image, stack
from workloads.deploy import expected_digest, workspace_files

pytestmark = step(6, "Join worker nodes and deploy")


@check("stack.image", fix=image.fetch, needs=("docker.usable",))
def test_image_is_there(node: Node) -> None:
    """The training image is on the node, before anything asks for it."""
    assert node.stack.image_id != "", "it would be pulled during the deployment, which looks like a hang"


@check("stack.same_image", needs=("stack.image",), remedy="pull the same image by digest on every node")
def test_image_is_the_same(cluster: Cluster) -> None:
    """All nodes have the same image."""
    assert cluster.drift(lambda node: node.stack.image_id) == SAME, "one tag, different images: ranks would differ"


@check("stack.directories", fix=stack.make_directories, needs=("ssh.sudo",))
def test_directories_exist(node: Node) -> None:
    """The directories that the container sees exist."""
    assert missing_directories(node) == (), "swarm makes none: bind source path does not exist"


@check("stack.workload", fix=stack.copy_workload, needs=("stack.directories",))
def test_workload_is_copied(node: Node) -> None:
    """The fine-tuning program, its recipes and its data are in the workspace, whole."""
    assert stale_files(node) == (), "files are missing or differ from this version's"


@check(
    "stack.deployed",
    fix=stack.deploy,
    needs=("swarm.gpu_advertised", "stack.same_image", "stack.directories", "stack.workload"),
)
def test_stack_is_deployed(cluster: Cluster) -> None:
    """The stack is deployed as this inventory describes it."""
    assert cluster.manager.stack.digest == expected_digest(cluster), "it is not deployed, or from another description"


@check("stack.running", needs=("stack.deployed",), remedy="see the task's error; `docker service logs` has more")
def test_task_runs(node: Node) -> None:
    """One task of the stack runs on the node."""
    assert running_tasks(node) == 1, task_story(node)


def missing_directories(node: Node) -> tuple[str, ...]:
    return tuple(path for path, there in node.stack.directories.items() if not there)


def stale_files(node: Node) -> tuple[str, ...]:
    there = node.stack.workspace
    return tuple(name for name, content in workspace_files().items() if there.get(name) != content.sha256)


def running_tasks(node: Node) -> int:
    return sum(task.runs for task in node.cluster.manager.stack.tasks if task.node == node.machine.hostname)


def task_story(node: Node) -> str:
    here = [task for task in node.cluster.manager.stack.tasks if task.node in (node.machine.hostname, "")]
    return "; ".join(task.story for task in here[:3]) or "no task was ever given to this node"
