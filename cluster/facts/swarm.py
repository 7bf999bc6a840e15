"""Step 5: the swarm, as its manager tells it."""

from pydantic import BaseModel, Field

from cluster.facts.base import Facts, fact
from cluster.facts.docker import GenericResource
from cluster.facts.parse import as_model


class _Resources(BaseModel):
    generic: tuple[GenericResource, ...] | None = Field(None, alias="GenericResources")


class _Description(BaseModel):
    hostname: str = Field("", alias="Hostname")
    resources: _Resources = Field(default_factory=lambda: _Resources.model_validate({}), alias="Resources")


class _Status(BaseModel):
    state: str = Field("", alias="State")
    address: str = Field("", alias="Addr")


class _Spec(BaseModel):
    availability: str = Field("", alias="Availability")
    role: str = Field("", alias="Role")


class SwarmNode(BaseModel):
    """A member of the swarm (`docker node inspect`)."""

    id: str = Field(alias="ID")
    description: _Description = Field(alias="Description")
    status: _Status = Field(alias="Status")
    spec: _Spec = Field(alias="Spec")

    @property
    def offers(self) -> tuple[str, ...]:
        """The named generic resources it offers, as KIND=VALUE."""
        found = self.description.resources.generic or ()
        return tuple(f"{one.named.kind}={one.named.value}" for one in found if one.named)


class SwarmFacts(Facts):
    """The members; only a manager of the swarm can tell them."""

    members: tuple[SwarmNode, ...] = fact(
        "members=$(docker node ls -q) && docker node inspect $members", as_model(tuple[SwarmNode, ...]), root=True
    )

    def member(self, node_id: str) -> SwarmNode | None:
        """Find a member by its id."""
        return next((one for one in self.members if one.id == node_id), None)
