"""The launcher `docker`: one plain container a node, which may have the RDMA devices that swarm passes to none.

Pure: what a container depends on goes in, the command that starts it comes out.
"""

from __future__ import annotations

import hashlib
import shlex

from cluster.container_paths import WORKSPACE_IN_CONTAINER
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.stack import DIGEST_LABEL
from workloads.container import ContainerSpec

RDMA_DEVICES = "/dev/infiniband"
"""They come with the right to lock memory, without which verbs fail."""


def container_name(cluster: str) -> str:
    """Return the name that a cluster's container has on every node."""
    return f"spark-runbook-{cluster}"


def run_command(spec: ContainerSpec, *, rdma: bool) -> str:
    """Return the command that starts the container, with the node's RDMA devices where it has some.

    Its label carries the digest of everything else in it.
    """
    return _command(
        spec, [*_options(spec, rdma=rdma), "--label", f"{DIGEST_LABEL}={container_digest(spec, rdma=rdma)}"]
    )


def container_digest(spec: ContainerSpec, *, rdma: bool) -> str:
    """Return the digest that tells a container which has drifted from one that has not."""
    return hashlib.sha256(_command(spec, _options(spec, rdma=rdma)).encode()).hexdigest()


def _command(spec: ContainerSpec, options: list[str]) -> str:
    # Nothing is pulled here: the image was fetched, and compared between the nodes, before.
    return shlex.join(["docker", "run", "--detach", "--pull", "never", *options, spec.image, "sleep", "infinity"])


def _options(spec: ContainerSpec, *, rdma: bool) -> list[str]:
    options = ["--name", container_name(spec.cluster), "--label", f"{CLUSTER_LABEL}={spec.cluster}", "--init"]
    options += ["--restart", "unless-stopped", "--network", "host", "--workdir", WORKSPACE_IN_CONTAINER]
    options += ["--shm-size", str(spec.shm_bytes), "--runtime", "nvidia"]
    if rdma:
        options += ["--device", RDMA_DEVICES, "--cap-add", "IPC_LOCK", "--ulimit", "memlock=-1"]
    for name, value in sorted({"NVIDIA_VISIBLE_DEVICES": "all", **spec.environment}.items()):
        options += ["--env", f"{name}={value}"]
    for mount in spec.binds:
        read_only = ",readonly" if mount.read_only else ""
        options += ["--mount", f"type=bind,source={mount.source},target={mount.target}{read_only}"]
    return options
