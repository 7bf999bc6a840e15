"""Which run the same command carries on: the newest that every node has checkpoints of."""

from cluster.cluster import Cluster
from cluster.container_paths import WORKSPACE_IN_CONTAINER
from cluster.docker_api import docker_of
from cluster.errors import ClusterError
from cluster.node import Node

# Runs in the container. A run that has ended has cleared its checkpoints; one of another version of the recipe, or of
# another number of ranks, would refuse to go on.
_LIST = """
import hashlib, json, pathlib, sys
recipe = hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest()
for told in pathlib.Path(sys.argv[2]).glob("*/checkpoints/*.json"):
    try:
        identity = json.loads(told.read_text())["identity"]
        trained = identity["the recipe"], identity["the number of ranks"]
    except (ValueError, TypeError, KeyError):
        continue  # a checkpoint whose end was not written, say; it is none
    if trained == (recipe, sys.argv[3]):
        print(told.parent.parent.name)
"""


def find_unfinished(cluster: Cluster, recipe_file: str) -> str | None:
    """Return the folder of the newest unfinished run of a recipe, by its path in the container, or None."""

    def runs_on(node: Node) -> set[str]:
        try:
            with docker_of(node, timeout_s=30) as client:
                container = client.containers.get(node.container.ours[0].id)
                command = ["python3", "-c", _LIST, recipe_file, f"{WORKSPACE_IN_CONTAINER}/runs", str(cluster.size)]
                listed = container.exec_run(command)
        except ClusterError:
            # The job's own start will say what is wrong with this node.
            return set()
        assert isinstance(listed.output, bytes), "it is a stream only where one is asked for"
        return set(listed.output.decode().splitlines()) if listed.exit_code == 0 else set()

    everywhere = set.intersection(*(runs_on(node) for node in cluster.nodes))
    return f"{WORKSPACE_IN_CONTAINER}/runs/{max(everywhere)}" if everywhere else None
