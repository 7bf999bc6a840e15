"""Step 7: there is exactly one container of ours on each node, and it was given the node's own GPU."""

from cluster.node import Node
from engine.check import check, step

pytestmark = step(7, "Find your Docker container ID")


@check("container.one", needs=("stack.running",), remedy="remove the containers that carry our label and are not ours")
def test_one_container_runs(node: Node) -> None:
    """Exactly one training container runs, found by its label."""
    assert len(node.container.ours) == 1, "a name matches by its parts; the label does not"


@check("container.gpu", needs=("container.one", "swarm.gpu_advertised"), remedy="recreate the stack")
def test_container_was_given_the_own_one(node: Node) -> None:
    """Swarm gave the container this node's own GPU."""
    assert given(node) == ",".join(node.gpu.uuids), "swarm handed out a resource that is not this node's"


def given(node: Node) -> str:
    return node.container.ours[0].environment.get("DOCKER_RESOURCE_NVIDIA_GPU", "")
