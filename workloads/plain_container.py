"""The launcher `docker`: one plain container a node, which may have the RDMA devices that swarm passes to none.

Pure: what a container depends on goes in, the command that starts it comes out.
"""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass, field

from cluster.container_paths import HF_CACHE_IN_CONTAINER, WORKSPACE_IN_CONTAINER
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.stack import DIGEST_LABEL
from workloads.stack import BindMount

RDMA_DEVICES = "/dev/infiniband"


@dataclass(frozen=True)
class ContainerSpec:
    """What a node's container depends on.

    Attributes:
        cluster: its name, as in the inventory.
        image: with tag or digest; it is on the node already.
        workspace: folder of the node that becomes /workspace.
        hf_cache: folder of the node that becomes the Hugging Face cache.
        shm_bytes: size of /dev/shm; Docker's own 64 MiB is too small for NCCL on one host.
        rdma: whether the node has RDMA devices; they come with the right to lock memory, without which verbs fail.
        mounts: more folders.
        environment: of the container. It can be read by whoever may use Docker: no secrets.
    """

    cluster: str
    image: str
    workspace: str
    hf_cache: str
    shm_bytes: int
    rdma: bool
    mounts: tuple[BindMount, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def container_name(cluster: str) -> str:
    """Return the name that a cluster's container has on every node."""
    return f"spark-runbook-{cluster}"


def run_command(spec: ContainerSpec) -> str:
    """Return the command that starts the container; its label carries the digest of everything else in it."""
    return _command(spec, [*_options(spec), "--label", f"{DIGEST_LABEL}={container_digest(spec)}"])


def container_digest(spec: ContainerSpec) -> str:
    """Return the digest that tells a container which has drifted from one that has not."""
    return hashlib.sha256(_command(spec, _options(spec)).encode()).hexdigest()


def _command(spec: ContainerSpec, options: list[str]) -> str:
    # Nothing is pulled here: the image was fetched, and compared between the nodes, before.
    return shlex.join(["docker", "run", "--detach", "--pull", "never", *options, spec.image, "sleep", "infinity"])


def _options(spec: ContainerSpec) -> list[str]:
    mounts = (
        BindMount(spec.workspace, WORKSPACE_IN_CONTAINER),
        BindMount(spec.hf_cache, HF_CACHE_IN_CONTAINER),
        *spec.mounts,
    )
    options = ["--name", container_name(spec.cluster), "--label", f"{CLUSTER_LABEL}={spec.cluster}", "--init"]
    options += ["--restart", "unless-stopped", "--network", "host", "--workdir", WORKSPACE_IN_CONTAINER]
    options += ["--shm-size", str(spec.shm_bytes), "--runtime", "nvidia"]
    if spec.rdma:
        options += ["--device", RDMA_DEVICES, "--cap-add", "IPC_LOCK", "--ulimit", "memlock=-1"]
    for name, value in sorted({"NVIDIA_VISIBLE_DEVICES": "all", **spec.environment}.items()):
        options += ["--env", f"{name}={value}"]
    for mount in mounts:
        read_only = ",readonly" if mount.read_only else ""
        options += ["--mount", f"type=bind,source={mount.source},target={mount.target}{read_only}"]
    return options
