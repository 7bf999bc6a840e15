"""What lies in a node's workspace and what its stack and configuration say: the templates, filled in for a cluster."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.cluster import Cluster
from cluster.node import Node
from workloads.accelerate_config import render_accelerate
from workloads.container import BindMount, ContainerSpec
from workloads.recipe import RECIPES, own_recipe
from workloads.stack import render_stack

HERE = Path(__file__).parent
SMOKE_RECIPE = "tiny"
SHARED_MEMORY_BYTES = 8 * 2**30
"""NCCL and data loaders use it; it is taken from memory only as far as it is filled."""


@dataclass(frozen=True)
class Content:
    """A file's bytes."""

    data: bytes

    @property
    def sha256(self) -> str:
        """Its checksum."""
        return hashlib.sha256(self.data).hexdigest()


def workspace_files(recipe: str | None) -> dict[str, Content]:
    """Return all files of the workload by their path in the workspace.

    Args:
        recipe: the name or file of the one that is to be run; a file joins those that are shipped.
    """
    shipped = {str(path.relative_to(HERE)): Content(path.read_bytes()) for path in _sources()}
    own = own_recipe(recipe)
    return shipped | ({f"recipes/{own.stem}.yaml": Content(own.read_bytes())} if own else {})


def _sources() -> Iterator[Path]:
    yield from sorted((HERE / "finetune").glob("*.py"))
    yield from sorted((HERE / "data").glob("*.json"))
    yield from sorted(RECIPES.glob("*.yaml"))


def container_spec(cluster: Cluster) -> ContainerSpec:
    """Return what the training containers of a cluster depend on."""
    inventory = cluster.inventory
    return ContainerSpec(
        cluster=inventory.name,
        image=inventory.image.reference,
        workspace=cluster.workspace,
        hf_cache=cluster.model_cache,
        shm_bytes=SHARED_MEMORY_BYTES,
        mounts=tuple(BindMount(mount.source, mount.target, mount.read_only) for mount in inventory.mounts),
        environment=_environment(cluster),
    )


def rendered_stack(cluster: Cluster) -> str:
    """Render the stack file of playbook step 6 for this cluster."""
    return render_stack(container_spec(cluster), cluster.size)


def _environment(cluster: Cluster) -> dict[str, str]:
    # Left to itself, gloo takes the address of the hostname (127.0.1.1 on Debian) and NCCL any interface it finds.
    interface = next(iter(cluster.fabric.interfaces), "lo") if cluster.size > 1 else "lo"
    return {
        "GLOO_SOCKET_IFNAME": interface,
        "NCCL_SOCKET_IFNAME": interface,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def rendered_config(node: Node) -> str:
    """Render the accelerate configuration of playbook step 9 for one node."""
    inventory = node.cluster.inventory
    return render_accelerate(
        node.rank, node.cluster.size, node.cluster.rendezvous, inventory.rendezvous_port, inventory.device
    )
