"""The accelerate configuration of every node, rendered and read back."""

from __future__ import annotations

import pytest
import yaml

from workloads.accelerate_config import (
    AccelerateConfigError,
    Device,
    launch_command,
    parse_accelerate,
    render_accelerate,
)

PLAYBOOKS = """\
compute_environment: LOCAL_MACHINE
distributed_type: FSDP
fsdp_config: {fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP}
machine_rank: 1
main_process_ip: 192.168.100.10
main_process_port: 29500
num_machines: 2
num_processes: 2
rdzv_backend: c10d
same_network: true
"""


def test_nodes_differ_in_nothing_but_their_rank() -> None:
    first, second = (parse_accelerate(render_accelerate(rank, 2, "10.0.0.1", 29500, "cuda")) for rank in (0, 1))
    assert (first.rank, second.rank) == (0, 1)
    assert first.but_rank() == second.but_rank()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_was_rendered_is_read_back(device: Device) -> None:
    config = parse_accelerate(render_accelerate(2, 4, "fd00::1", 4000, device))
    assert (config.rank, config.nodes, config.processes) == (2, 4, 4)
    assert (config.main_ip, config.main_port) == ("fd00::1", 4000)
    assert config.device == device


def test_no_setting_is_rendered_that_the_launcher_ignores() -> None:
    rendered = yaml.safe_load(render_accelerate(0, 2, "10.0.0.1", 29500, "cpu"))
    assert not {"rdzv_backend", "rdzv_conf", "same_network"} & set(rendered)


def test_several_nodes_are_launched_through_torchrun_on_cpu_too() -> None:
    # With MULTI_CPU each node would train a job of its own.
    assert parse_accelerate(render_accelerate(0, 2, "10.0.0.1", 29500, "cpu")).distributed_type == "MULTI_GPU"


def test_one_node_has_no_job_to_join() -> None:
    assert parse_accelerate(render_accelerate(0, 1, "10.0.0.1", 29500, "cuda")).distributed_type == "NO"


def test_a_setting_that_differs_between_nodes_shows() -> None:
    assert parse_accelerate(PLAYBOOKS) != parse_accelerate(PLAYBOOKS + "mixed_precision: bf16\n")


@pytest.mark.parametrize(
    ("found", "replaced", "told"),
    [
        ("192.168.100.10", "< TODO: specify IP >", "is not YAML"),
        ("192.168.100.10", "spark-1", "main_process_ip: 'spark-1' is not an address"),
        ("main_process_port: 29500\n", "", "lacks main_process_port"),
        ("29500", "tcp", "value of the wrong kind"),
        ("machine_rank: 1", "machine_rank:", "value of the wrong kind"),
        (PLAYBOOKS, "- 1", "is not a mapping"),
    ],
)
def test_a_file_that_cannot_work_is_told_in_one_sentence(found: str, replaced: str, told: str) -> None:
    with pytest.raises(AccelerateConfigError, match=told) as raised:
        parse_accelerate(PLAYBOOKS.replace(found, replaced))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("rank", "address", "port"), [(2, "10.0.0.1", 29500), (-1, "10.0.0.1", 29500), (0, "", 29500), (0, "10.0.0.1", 0)]
)
def test_values_that_cannot_be_are_not_rendered(rank: int, address: str, port: int) -> None:
    with pytest.raises(AccelerateConfigError):
        render_accelerate(rank, 2, address, port, "cpu")


def test_the_limit_on_joining_is_an_argument_of_the_launcher() -> None:
    command = launch_command("/workspace/accelerate.yaml", 60.0, ["finetune", "--world-size", "2"])
    assert command[command.index("--rdzv_conf") + 1] == "timeout=60"
    assert command[-4:] == ["-m", "finetune", "--world-size", "2"]
