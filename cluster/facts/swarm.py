"""Step 5: the swarm, as its manager tells it."""

from collections.abc import Set

from cryptography import x509
from pydantic import AliasPath, BaseModel, Field

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.docker import FIND_ROOT, GenericResource, offers_of
from cluster.facts.parse import as_model, succeeded
from cluster.facts.service import Service

STACK_LABEL = "com.docker.stack.namespace"
PORT = 2377
GPU_KIND = "NVIDIA_GPU"
"""The kind of resource as which nodes offer their GPUs, and services reserve them."""
SWARM_RESOURCE = f"DOCKER_RESOURCE_{GPU_KIND}"
"""Swarm names the variable after the kind it advertises; the playbook's DOCKER_RESOURCE_GPU would match nothing."""


class SwarmNode(BaseModel):
    """A member of the swarm (`docker node inspect`)."""

    id: str = Field(alias="ID")
    hostname: str = Field("", validation_alias=AliasPath("Description", "Hostname"))
    resources: tuple[GenericResource, ...] | None = Field(
        None, validation_alias=AliasPath("Description", "Resources", "GenericResources")
    )
    state: str = Field("", validation_alias=AliasPath("Status", "State"))
    message: str = Field("", validation_alias=AliasPath("Status", "Message"))
    role: str = Field("", validation_alias=AliasPath("Spec", "Role"))
    availability: str = Field("", validation_alias=AliasPath("Spec", "Availability"))

    @property
    def offers(self) -> tuple[str, ...]:
        """What it offers, as KIND=VALUE, sorted."""
        return offers_of(self.resources)


_parse_services = as_model(tuple[Service, ...])


def _services(reading: Reading) -> tuple[Service, ...]:
    if "not a swarm manager" in reading.err:
        return ()
    return _parse_services(reading) if succeeded(reading).strip() else ()


def _life_left(reading: Reading) -> float:
    """Read the node's clock and, after it, its certificate."""
    now, _, pem = succeeded(reading).partition("\n")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        begin, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
        return round(100 * (end - float(now)) / (end - begin), 1)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ParseError("it is no clock with a certificate after it") from None


class SwarmFacts(Facts):
    """Members and services, which only a manager of the swarm can tell, and the node's own certificate.

    `certificate_percent` is how much of the certificate's life is left; below 0 it is over.
    """

    members: tuple[SwarmNode, ...] = fact(
        "members=$(docker node ls -q) && docker node inspect $members", as_model(tuple[SwarmNode, ...]), root=True
    )

    services: tuple[Service, ...] = fact(
        'ids=$(docker service ls -q) && { test -z "$ids" || docker service inspect $ids; }',
        _services,
        root=True,
        private=True,
    )
    certificate_percent: float = fact(
        f'date +%s && {FIND_ROOT}; cat "${{root:-/var/lib/docker}}/swarm/certificates/swarm-node.crt"',
        _life_left,
        root=True,
    )

    def strangers(self, own: Set[str], hostnames: Set[str]) -> tuple[SwarmNode, ...]:
        """The members that could be given tasks and are none of these, by id; nor what one of these was before."""
        return tuple(
            one
            for one in self.members
            if one.id not in own
            and one.hostname not in hostnames
            and (one.state, one.availability) == ("ready", "active")
        )

    def member(self, node_id: str) -> SwarmNode | None:
        """Find a member by its id."""
        return next((one for one in self.members if one.id == node_id), None)

    def service(self, name: str) -> Service | None:
        """Find a service by its name."""
        return next((one for one in self.services if one.name == name), None)

    def services_of(self, stack: str) -> tuple[str, ...]:
        """Name the services that a stack of that name has, whoever deployed it."""
        return tuple(one.name for one in self.services if (one.labels or {}).get(STACK_LABEL) == stack)

    def holders(self, kind: str, but: str) -> tuple[str, ...]:
        """Name the services, all `but` one, that take a kind of generic resource for themselves."""
        others = (one for one in self.services if one.name != but and one.is_wanted)
        return tuple(one.name for one in others if kind in one.reserves)
