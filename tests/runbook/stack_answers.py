"""What two nodes with a stack of two tasks answer, for tests to change."""

import json
from typing import Any

from cluster.facts.docker import DockerFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.stack import SERVICE, EndedFacts, StackFacts
from cluster.facts.swarm import SwarmFacts
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import engine, links
from workloads import launcher
from workloads.deploy import workspace_files

WORKSPACE, CACHE = "/home/nvidia/spark-runbook", "/home/nvidia/.cache/huggingface"
PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"
CONTENT = '{"Layers":["sha256:17bd","sha256:5f70"],"Type":"layers"} ["PATH=/usr/bin","NCCL_VERSION=2.27.7"]\n'


def task(number: int, node: str, state: str = "Running 2 minutes ago", **more: str) -> str:
    """Build what `docker service ps` prints of a task."""
    told = {"ID": f"task{number}", "Name": f"{SERVICE}.{number}", "Node": node, "CurrentState": state}
    return json.dumps({**told, "DesiredState": "Running", "Error": "", **more}) + "\n"


def deployed_service(cluster: Recorded) -> dict[str, Any]:
    """Build what `docker service inspect` tells of the stack's service as it was deployed."""
    return {
        "Spec": {
            "Name": SERVICE,
            "Labels": {"com.docker.stack.namespace": "finetuning-multinode"},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": cluster.cluster.inventory.image.reference,
                    "Args": ["sleep", "infinity"],
                    "Env": [
                        "NCCL_SOCKET_IFNAME=enp1s0f1np1",
                        "GLOO_SOCKET_IFNAME=enp1s0f1np1",
                        "PYTHONUNBUFFERED=1",
                        "PYTHONDONTWRITEBYTECODE=1",
                    ],
                    "Mounts": [
                        {"Type": "bind", "Source": CACHE, "Target": "/root/.cache/huggingface"},
                        {"Type": "bind", "Source": WORKSPACE, "Target": "/workspace"},
                        {"Type": "tmpfs", "Target": "/dev/shm"},  # noqa: S108 - the container's
                    ],
                },
                "Resources": {
                    "Reservations": {"GenericResources": [{"DiscreteResourceSpec": {"Kind": "NVIDIA_GPU", "Value": 1}}]}
                },
            },
            "Mode": {"Replicated": {"Replicas": 2}},
        }
    }


def stack_in_order(cluster: Recorded) -> Recorded:
    """Let both nodes have said that the stack runs."""
    for number in (1, 2):
        node, address = f"spark-{number}", f"192.168.100.{number}"
        cluster.said(NetworkFacts, node, links=links("enp1s0f1np1", address), ports=PORTS)
        cluster.said(DockerFacts, node, engine=engine(f"id{number}", address))
        cluster.said(MachineFacts, node, hostname=f"{node}\n")
    cluster.said(SwarmFacts, services=json.dumps([deployed_service(cluster)]))
    cluster.said(
        StackFacts,
        image_id="sha256:abc arm64\n",
        image_architecture="sha256:abc arm64\n",
        image_content=CONTENT,
        directories=f"yes {WORKSPACE}\nyes {CACHE}\n",
        writable=f"yes {WORKSPACE}\nyes {CACHE}\n",
        owners=f"1000:1000 {WORKSPACE}\n",
        workspace="".join(f"{content.sha256}  ./{name}\n" for name, content in workspace_files(None).items()),
        digest=launcher.expected(cluster.cluster)["spark-1"] + "\n",
        tasks=task(1, "spark-1") + task(2, "spark-2"),
    )
    cluster.said(EndedFacts, last_words="")
    return cluster
