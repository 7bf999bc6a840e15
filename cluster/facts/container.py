"""Step 7: our containers on a node, found by label and not by a part of their name."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from cluster.facts.base import Facts, Reading, fact
from cluster.facts.parse import as_model, succeeded

if TYPE_CHECKING:
    from cluster.node import Node

CLUSTER_LABEL = "com.spark-runbook.cluster"


class _Settings(BaseModel):
    environment: tuple[str, ...] | None = Field(None, alias="Env")


class RunningContainer(BaseModel):
    """A container of ours, as `docker inspect` tells it."""

    id: str = Field(alias="Id")
    name: str = Field("", alias="Name")
    settings: _Settings = Field(alias="Config")

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find in their environment."""
        return dict(entry.split("=", 1) for entry in self.settings.environment or () if "=" in entry)


_parse_containers = as_model(tuple[RunningContainer, ...])


def _containers(reading: Reading) -> tuple[RunningContainer, ...]:
    return _parse_containers(reading) if succeeded(reading).strip() else ()


def _ours(node: "Node") -> str:
    label = f"{CLUSTER_LABEL}={node.cluster.inventory.name}"
    return f'ids=$(docker ps -q --no-trunc --filter label={label}) && {{ test -z "$ids" || docker inspect $ids; }}'


class ContainerFacts(Facts):
    """The training containers that run on a node."""

    ours: tuple[RunningContainer, ...] = fact(_ours, _containers, root=True)
