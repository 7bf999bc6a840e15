"""The swarm stack of the playbook's step 6: one training container a node, waiting for work.

Pure: what its containers depend on goes in, YAML comes out. There is no sshd in the container and no port is
published: work is started with `docker exec`, and the ranks talk on the host's network.
"""

from __future__ import annotations

import hashlib
from typing import Any

import yaml

from cluster.container_paths import SHARED_MEMORY_IN_CONTAINER, WORKSPACE_IN_CONTAINER
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.service import parts
from cluster.facts.stack import DIGEST_LABEL
from cluster.facts.swarm import GPU_KIND
from workloads.container import BindMount, ContainerSpec

SERVICE_NAME = "finetune"
RESTART_DELAY = "5s"


def render_stack(spec: ContainerSpec, nodes: int) -> str:
    """Return the stack file for so many nodes, one container each.

    Its service carries the digest of everything else in it, which tells a deployed stack that has drifted.
    """
    stack = _stack(spec, nodes)
    digest = hashlib.sha256(_dump(stack).encode()).hexdigest()
    stack["services"][SERVICE_NAME]["deploy"]["labels"] = {DIGEST_LABEL: digest}
    return _dump(stack)


def service_parts(spec: ContainerSpec, nodes: int) -> dict[str, object]:
    """Return what the service is made of when it is as deployed, to be compared with `Service.parts`."""
    service = _stack(spec, nodes)["services"][SERVICE_NAME]
    reserved = service["deploy"]["resources"]["reservations"]["generic_resources"]
    return parts(
        image=service["image"],
        command=service["command"],
        environment=[f"{name}={value}" for name, value in service["environment"].items()],
        mounts=[(one["target"], one.get("source", ""), one.get("read_only", False)) for one in service["volumes"]],
        replicas=service["deploy"]["replicas"],
        reserved=[one["discrete_resource_spec"]["kind"] for one in reserved],
    )


def stack_digest(rendered: str) -> str:
    """Return the digest that a rendered stack carries."""
    digest: str = yaml.safe_load(rendered)["services"][SERVICE_NAME]["deploy"]["labels"][DIGEST_LABEL]
    return digest


def _stack(spec: ContainerSpec, nodes: int) -> dict[str, Any]:
    service = {
        "image": spec.image,
        "init": True,
        "command": ["sleep", "infinity"],
        "working_dir": WORKSPACE_IN_CONTAINER,
        "networks": ["host"],
        "environment": dict(sorted(spec.environment.items())),
        "labels": {CLUSTER_LABEL: spec.cluster},
        # Swarm ignores shm_size.
        "volumes": [*(_bind(mount) for mount in spec.binds), _shared_memory(spec.shm_bytes)],
        "deploy": {
            "replicas": nodes,
            "placement": {"max_replicas_per_node": 1},
            "resources": {
                "reservations": {"generic_resources": [{"discrete_resource_spec": {"kind": GPU_KIND, "value": 1}}]}
            },
            "restart_policy": {"condition": "any", "delay": RESTART_DELAY},
        },
    }
    return {
        "version": "3.8",
        "services": {SERVICE_NAME: service},
        "networks": {"host": {"name": "host", "external": True}},
    }


def _bind(mount: BindMount) -> dict[str, Any]:
    bind = {"type": "bind", "source": mount.source, "target": mount.target}
    return {**bind, "read_only": True} if mount.read_only else bind


def _shared_memory(size: int) -> dict[str, Any]:
    return {"type": "tmpfs", "target": SHARED_MEMORY_IN_CONTAINER, "tmpfs": {"size": size}}


def _dump(stack: dict[str, Any]) -> str:
    return yaml.safe_dump(_literal(stack), sort_keys=False)


def _literal(value: Any) -> Any:
    """Double every dollar sign: `docker stack deploy` would put variables of its own environment there."""
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
