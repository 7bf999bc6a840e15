"""The shape of one lab, fixed when it is started."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.addresses import node_address
from lab.errors import LabError
from lab.gpus import RealGpu, real_gpus
from lab.places import RunDir

Gpus = Literal["simulated", "real"]


@dataclass(frozen=True)
class Shape:
    """What distinguishes one lab from another, as its owner asks for it; see Settings."""

    nodes: int
    light: bool
    gpus: Gpus

    def __str__(self) -> str:
        """In words: `2 light nodes`."""
        kind = "light node" if self.light else "node"
        owned = "" if self.gpus == "simulated" else " with a real GPU" + (" each" if self.nodes > 1 else "")
        return f"{self.nodes} {kind}{'s' if self.nodes > 1 else ''}{owned}"


@dataclass(frozen=True)
class Settings:
    """What `up` decided and every later command reads.

    Attributes:
        nodes: how many nodes there are, named spark-1 and on.
        light: whether nodes run sshd alone.
        network: the third octet of the management network.
        tree: the unpacked node tree that all nodes share.
        archive: the training image, as a docker-archive.
        packages: the Python packages that containers mount.
        gpus: whether nodes have stand-ins for GPUs, or own this machine's.
    """

    nodes: int
    light: bool
    network: int
    tree: str
    archive: str
    packages: str
    gpus: Gpus = "simulated"

    @property
    def shape(self) -> Shape:
        """What was asked for."""
        return Shape(self.nodes, self.light, self.gpus)

    @property
    def names(self) -> list[str]:
        """The nodes' names, first to last."""
        return [f"spark-{number}" for number in range(1, self.nodes + 1)]

    def number(self, name: str) -> int:
        """The number of a node, from 1.

        Raises:
            LabError: if the lab has no such node.
        """
        if name not in self.names:
            raise LabError(f"There is no node {name!r} in this lab; its nodes are {', '.join(self.names)}.")
        return self.names.index(name) + 1

    def gpu(self, name: str) -> RealGpu | None:
        """The real GPU that a node owns, the first for the first; None in a lab of stand-ins."""
        return real_gpus()[self.number(name) - 1] if self.gpus == "real" else None

    def address(self, name: str) -> str:
        """The management address of a node."""
        return node_address(self.network, self.number(name))


def write_settings(run: RunDir, settings: Settings) -> None:
    """Keep the settings in the run directory."""
    beside = Path(f"{run.settings}.new")
    beside.write_text(json.dumps(dataclasses.asdict(settings), indent=2) + "\n")
    beside.rename(run.settings)


def read_settings(run: RunDir) -> Settings:
    """The settings of the lab in a run directory.

    Raises:
        LabError: if they are missing or broken.
    """
    try:
        return Settings(**json.loads(run.settings.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise LabError(f"{run.settings} cannot be read ({error}); take the lab down: python -m lab down") from error
