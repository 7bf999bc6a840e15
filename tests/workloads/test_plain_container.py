"""The launcher docker: the command says all that the container depends on, and its digest changes with each of it."""

import shlex
from dataclasses import replace

import pytest

from cluster.facts.stack import DIGEST_LABEL
from workloads.container import BindMount, ContainerSpec
from workloads.plain_container import RDMA_DEVICES, container_digest, run_command

SPEC = ContainerSpec("sparks", "image:1", "/home/nvidia/work space", "/cache", 2**30)


def test_the_container_waits_for_work_on_the_hosts_network() -> None:
    words = shlex.split(run_command(SPEC, rdma=False))
    assert words[:4] == ["docker", "run", "--detach", "--pull"]
    assert words[-3:] == ["image:1", "sleep", "infinity"]
    for option, value in [("--network", "host"), ("--runtime", "nvidia"), ("--shm-size", str(2**30))]:
        assert words[words.index(option) + 1] == value
    assert f"{DIGEST_LABEL}={container_digest(SPEC, rdma=False)}" in words
    assert "type=bind,source=/home/nvidia/work space,target=/workspace" in words


def test_rdma_devices_come_with_the_right_to_lock_memory() -> None:
    assert RDMA_DEVICES not in run_command(SPEC, rdma=False)
    words = shlex.split(run_command(SPEC, rdma=True))
    assert words[words.index("--device") + 1] == RDMA_DEVICES
    assert {"IPC_LOCK", "memlock=-1"} <= set(words)
    assert container_digest(SPEC, rdma=True) != container_digest(SPEC, rdma=False)


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, image="image:2"),
        replace(SPEC, shm_bytes=1),
        replace(SPEC, mounts=(BindMount("/a", "/b"),)),
        replace(SPEC, mounts=(BindMount("/a", "/b", read_only=True),)),
        replace(SPEC, environment={"A": "$(reboot) `id` 'x'"}),
    ],
)
def test_whatever_differs_changes_the_digest_and_stays_one_word(other: ContainerSpec) -> None:
    assert container_digest(other, rdma=False) != container_digest(SPEC, rdma=False)
    assert shlex.split(run_command(other, rdma=False))[-2:] == ["sleep", "infinity"]
