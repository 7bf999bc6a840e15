"""The swarm stack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from cluster.facts.container import CLUSTER_LABEL
from workloads.container import BindMount, ContainerSpec
from workloads.stack import SERVICE_NAME, render_stack, stack_digest

SPEC = ContainerSpec(
    cluster="pair",
    image="registry/training:1",
    workspace="/srv/work",
    hf_cache="/srv/hub",
    shm_bytes=8 * 2**30,
    mounts=(BindMount("/srv/packages", "/packages", read_only=True),),
    environment={"NCCL_SOCKET_IFNAME": "enp1s0f0np0"},
)


def _service(spec: ContainerSpec = SPEC) -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load(render_stack(spec, 2))["services"][SERVICE_NAME]
    return service


def test_every_node_runs_one_container_that_waits() -> None:
    service = _service()
    assert service["deploy"]["replicas"] == 2
    assert service["deploy"]["placement"] == {"max_replicas_per_node": 1}
    assert service["command"] == ["sleep", "infinity"]
    assert service["init"] is True


def test_every_container_reserves_one_gpu() -> None:
    (resource,) = _service()["deploy"]["resources"]["reservations"]["generic_resources"]
    assert resource == {"discrete_resource_spec": {"kind": "NVIDIA_GPU", "value": 1}}


def test_the_container_is_on_the_hosts_network_and_publishes_nothing() -> None:
    assert _service()["networks"] == ["host"]
    assert "ports" not in _service()
    assert yaml.safe_load(render_stack(SPEC, 2))["networks"] == {"host": {"name": "host", "external": True}}


def test_the_folders_are_mounted_and_only_the_extra_one_is_read_only() -> None:
    binds = [volume for volume in _service()["volumes"] if volume["type"] == "bind"]
    assert [(bind["source"], bind["target"], bind.get("read_only", False)) for bind in binds] == [
        ("/srv/work", "/workspace", False),
        ("/srv/hub", "/root/.cache/huggingface", False),
        ("/srv/packages", "/packages", True),
    ]


def test_shared_memory_is_a_tmpfs_of_the_size_asked_for() -> None:
    (shm,) = [volume for volume in _service()["volumes"] if volume["type"] == "tmpfs"]
    assert (shm["target"], shm["tmpfs"]) == ("/dev/shm", {"size": 8 * 2**30})  # noqa: S108 - in the container
    assert "shm_size" not in _service()


def test_the_container_carries_the_clusters_name() -> None:
    assert _service()["labels"] == {CLUSTER_LABEL: "pair"}


def test_the_digest_is_the_same_for_the_same_spec_and_another_for_another() -> None:
    digest = stack_digest(render_stack(SPEC, 2))
    assert digest == stack_digest(render_stack(replace(SPEC), 2))
    assert digest != stack_digest(render_stack(replace(SPEC, shm_bytes=2**30), 2))
    assert len(digest) == 64


def test_the_digest_does_not_depend_on_the_order_of_the_environment() -> None:
    one, two = {"A": "1", "B": "2"}, {"B": "2", "A": "1"}
    assert render_stack(replace(SPEC, environment=one), 2) == render_stack(replace(SPEC, environment=two), 2)


def test_values_stay_values_whatever_is_in_them() -> None:
    hostile = 'x: "y" # no\n  privileged: true\n- {a: *b}'
    service = _service(replace(SPEC, image=hostile, environment={"NOTE": hostile, "FLAG": "yes"}))
    assert service["image"] == hostile
    assert service["environment"] == {"NOTE": hostile, "FLAG": "yes"}
    assert "privileged" not in service


def test_dollar_signs_are_not_taken_for_variables() -> None:
    # Docker reads $$ as one dollar sign and $HOME as the home of whoever deploys.
    service = _service(replace(SPEC, workspace="/srv/$HOME", environment={"PRICE": "5$"}))
    assert service["volumes"][0]["source"] == "/srv/$$HOME"
    assert service["environment"]["PRICE"] == "5$$"
