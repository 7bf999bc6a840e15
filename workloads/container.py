"""What a training container depends on, whichever launcher starts it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.container_paths import HF_CACHE_IN_CONTAINER, WORKSPACE_IN_CONTAINER


@dataclass(frozen=True)
class BindMount:
    """A folder of every node, shown in the container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """What the containers of a cluster have in common.

    Attributes:
        cluster: its name, as in the inventory.
        image: with tag or digest.
        workspace: folder of every node that becomes /workspace.
        hf_cache: folder of every node that becomes the Hugging Face cache.
        shm_bytes: size of /dev/shm; Docker's own 64 MiB is too small for NCCL on one host.
        mounts: more folders.
        environment: of the container. It can be read by whoever may use Docker: no secrets.
    """

    cluster: str
    image: str
    workspace: str
    hf_cache: str
    shm_bytes: int
    mounts: tuple[BindMount, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def binds(self) -> tuple[BindMount, ...]:
        """All folders that the container sees: workspace, cache, and those of the inventory."""
        workspace, cache = (self.workspace, WORKSPACE_IN_CONTAINER), (self.hf_cache, HF_CACHE_IN_CONTAINER)
        return (BindMount(*workspace), BindMount(*cache), *self.mounts)
