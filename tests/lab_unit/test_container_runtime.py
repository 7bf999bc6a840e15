"""Which GPUs the runtime's stand-in gives a container."""

from pathlib import Path

import pytest

from lab.standins.nvidia_container_runtime import NoSuchDevice, requested, visible, with_gpus
from tests.lab_unit.hardware_sample import UUID, state

SHIPPED = (Path(__file__).parents[2] / "lab/files/etc/nvidia-container-runtime/config.toml").read_text()
NAMED = SHIPPED.replace('#swarm-resource = "DOCKER_RESOURCE_GPU"', 'swarm-resource = "DOCKER_RESOURCE_NVIDIA_GPU"')
AS_THE_PLAYBOOK_SAYS = SHIPPED.replace("#swarm-resource", "swarm-resource")
FROM_SWARM = {"NVIDIA_VISIBLE_DEVICES": "all", "DOCKER_RESOURCE_NVIDIA_GPU": "GPU-of-swarm"}


def test_the_shipped_configuration_leaves_swarm_out_of_it() -> None:
    assert requested(FROM_SWARM, SHIPPED, "1.20.1") == ["all"]


def test_the_right_name_hands_over_what_swarm_assigned() -> None:
    assert requested(FROM_SWARM, NAMED, "1.20.1") == ["GPU-of-swarm"]


def test_the_name_of_the_playbook_is_not_the_one_that_swarm_sets() -> None:
    assert requested(FROM_SWARM, AS_THE_PLAYBOOK_SAYS, "1.20.1") == ["all"]


def test_toolkit_1_18_ignores_the_name() -> None:
    assert requested(FROM_SWARM, NAMED, "1.18.2") == ["all"]


@pytest.mark.parametrize("value", ["", "none", "void"])
def test_a_container_that_asks_for_nothing_gets_nothing(value: str) -> None:
    assert requested({"NVIDIA_VISIBLE_DEVICES": value}, SHIPPED, "1.20.1") == []
    assert requested({}, SHIPPED, "1.20.1") == []


@pytest.mark.parametrize("device", ["all", "0", UUID])
def test_a_gpu_is_found_by_any_of_its_names(device: str) -> None:
    assert [gpu["uuid"] for gpu in visible(state(), [device])["gpus"]] == [UUID]


def test_a_gpu_that_the_node_lacks_is_fatal_and_named() -> None:
    with pytest.raises(NoSuchDevice, match=r"unresolvable CDI devices runtime\.nvidia\.com/gpu=GPU-of-another-node"):
        visible(state(), ["GPU-of-another-node"])


def test_a_container_with_gpus_sees_its_own_state_file_read_only(tmp_path: Path) -> None:
    before = {"mounts": [{"destination": "/proc"}]}
    mounts = with_gpus(before, tmp_path / "state.json")["mounts"]
    assert mounts[0] == {"destination": "/proc"}
    (mine,) = [mount for mount in mounts if mount["destination"] == "/var/lib/spark-lab/hardware.json"]
    assert mine["source"] == str(tmp_path / "state.json")
    assert "ro" in mine["options"]
