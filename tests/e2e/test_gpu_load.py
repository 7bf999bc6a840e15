"""The load program in the training container, where the lab has CPUs in place of GPUs."""

import time

import pytest

from cluster.cluster import Cluster
from cluster.inventory_file import parse_inventory
from tests.e2e.lab import Lab
from workloads.gpu_load.launch import RAN, run_load

pytestmark = pytest.mark.lab


def wait_for_containers(cluster: Cluster) -> None:
    """Wait until the swarm, whose nodes have just booted, has started its tasks again."""
    until = time.monotonic() + 120
    while time.monotonic() < until and not all(len(node.container.ours) == 1 for node in cluster.nodes):
        time.sleep(1)
        for node in cluster.nodes:
            node.forget()


def test_it_runs_in_the_training_container_of_every_node(ready: Lab) -> None:
    cluster = Cluster(parse_inventory(ready.do("inventory"), "the lab's inventory"))
    cluster.connect()
    try:
        wait_for_containers(cluster)
        runs = cluster.on_all(lambda node: run_load(node, "cpu"), cluster.nodes)
    finally:
        cluster.close()
    assert [(run.outcome, run.gpus[0].repeats_itself) for run in runs] == [(RAN, True)] * 2
