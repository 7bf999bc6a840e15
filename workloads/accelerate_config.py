"""The file that makes `accelerate launch` form one job of all nodes: rendered for each node, and read back.

What `accelerate launch` 1.15 does with such a file, read from its source and tried:

- `distributed_type: MULTI_CPU` starts a process without a rank and leaves forming the job to MPI: two nodes then train
  two jobs of one rank. MULTI_GPU starts the job through torchrun, on CPU as well; what the processes compute on is
  theirs to choose.
- `rdzv_backend`, `rdzv_conf` and `same_network` are ignored, so the limit on joining has to be an argument.

Whether the model is sharded is the recipe's to say: the program does that itself, and the launcher is not told.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Any, Literal

import yaml

Device = Literal["cpu", "cuda"]
_READ_KEYS = frozenset(
    {"machine_rank", "num_machines", "num_processes", "main_process_ip", "main_process_port", "use_cpu"}
)


class AccelerateConfigError(ValueError):
    """A configuration that cannot form a job, in one sentence."""


@dataclass(frozen=True)
class AccelerateConfig:
    """One node's configuration, for comparison with the other nodes'.

    `distributed_type` is as in the file; `others` are the remaining settings as YAML, sorted by name.
    """

    rank: int
    nodes: int
    processes: int
    main_ip: str
    main_port: int
    device: Device
    distributed_type: str
    others: tuple[tuple[str, str], ...]

    def but_rank(self) -> AccelerateConfig:
        """Return what has to be equal on all nodes."""
        return replace(self, rank=0)


def render_accelerate(rank: int, nodes: int, main_ip: str, main_port: int, device: Device) -> str:
    """Return the file of one node, for one process a node.

    Args:
        rank: of the node, from 0.
        nodes: how many there are; one alone is launched without a job to join.
        main_ip: fabric address of rank 0.
        main_port: a free TCP port there.
        device: what the processes compute on.

    Raises:
        AccelerateConfigError: the rank, address or port cannot be one.
    """
    if not 0 <= rank < nodes:
        raise AccelerateConfigError(f"rank {rank} is not one of {nodes} nodes, counted from 0")
    if not 0 < main_port < 2**16:
        raise AccelerateConfigError(f"{main_port} is not a TCP port")
    settings = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if nodes > 1 else "NO",
        "machine_rank": rank,
        "main_process_ip": _address(main_ip),
        "main_process_port": main_port,
        "mixed_precision": "no",
        "num_machines": nodes,
        "num_processes": nodes,
        "use_cpu": device == "cpu",
    }
    return yaml.safe_dump(settings)


def parse_accelerate(text: str) -> AccelerateConfig:
    """Read a node's file, whoever wrote it.

    Raises:
        AccelerateConfigError: it is not YAML (a `< TODO` left in is not) or lacks what a job of several nodes needs.
    """
    settings = _mapping(text)
    others = {str(name): value for name, value in settings.items() if name not in _READ_KEYS}
    try:
        return AccelerateConfig(
            rank=int(settings["machine_rank"]),
            nodes=int(settings["num_machines"]),
            processes=int(settings["num_processes"]),
            main_ip=_address(settings["main_process_ip"]),
            main_port=int(settings["main_process_port"]),
            device="cpu" if settings.get("use_cpu") else "cuda",
            distributed_type=str(others.pop("distributed_type")),
            others=tuple(sorted((name, yaml.safe_dump(value).strip()) for name, value in others.items())),
        )
    except KeyError as error:
        raise AccelerateConfigError(f"the accelerate configuration lacks {error.args[0]}") from error
    except AccelerateConfigError:
        raise
    except (TypeError, ValueError) as error:
        raise AccelerateConfigError(f"the accelerate configuration has a value of the wrong kind: {error}") from error


def differences(text: str, wanted: str) -> tuple[str, ...]:
    """Name the settings in which a node's file differs from the one it has to have, with both values.

    Raises:
        AccelerateConfigError: it is not YAML, or no mapping.
    """
    there, right = _mapping(text), _mapping(wanted)
    names = sorted(name for name in {**there, **right} if there.get(name) != right.get(name))
    return tuple(f"{name}: {_told(there.get(name))} instead of {_told(right.get(name))}" for name in names)


def launch_command(config_file: str, join_timeout_s: float, program: list[str]) -> list[str]:
    """Return the command that starts this node's process of the job.

    Args:
        config_file: path of the rendered file on the node.
        join_timeout_s: how long to wait for the other nodes; 15 minutes if it were not told.
        program: the module to run, and its arguments.
    """
    timeout = f"timeout={round(join_timeout_s)}"
    launcher = ["python3", "-m", "accelerate.commands.launch", "--config_file", config_file, "--rdzv_conf", timeout]
    return [*launcher, "-m", *program]


def _address(told: Any) -> str:
    try:
        return str(ipaddress.ip_address(told))
    except ValueError as error:
        raise AccelerateConfigError(f"main_process_ip: {told!r} is not an address") from error


def _told(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _mapping(text: str) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise AccelerateConfigError(
            f"the accelerate configuration is not YAML: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(settings, dict):
        raise AccelerateConfigError("the accelerate configuration is not a mapping of settings to values")
    return {str(name): value for name, value in settings.items()}
