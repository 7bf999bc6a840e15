"""A service of the swarm, as its manager tells it."""

from collections.abc import Iterable
from posixpath import normpath

from pydantic import AliasPath, BaseModel, Field


def familiar(image: str) -> str:
    """Return the name of an image as docker writes it into a service: without its own registry, with a tag."""
    name, _, digest = image.partition("@")
    for own in ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/"):
        if name.startswith(own):
            name = name.removeprefix(own)
            break
    return name if digest or ":" in name.rpartition("/")[2] else f"{name}:latest"


def parts(
    *,
    image: str,
    command: Iterable[str],
    environment: Iterable[str],
    mounts: Iterable[tuple[str, str, bool]],
    replicas: int | None,
    reserved: Iterable[str],
) -> dict[str, object]:
    """Put what a service is made of so that it can be compared, whoever tells it: in one order, in docker's spelling.

    A mount is its target, its source (empty for none) and whether it is read only; `reserved` are kinds of resources.
    """
    return {
        "image": familiar(image),
        "command": list(command),
        "environment": sorted(environment),
        "mounts": sorted((normpath(target), source and normpath(source), only) for target, source, only in mounts),
        "replicas": replicas,
        "reserved resources": list(reserved),
    }


class _Mount(BaseModel):
    source: str = Field("", alias="Source")
    target: str = Field("", alias="Target")
    read_only: bool = Field(False, alias="ReadOnly")


class _Reserved(BaseModel):
    kind: str | None = Field(None, validation_alias=AliasPath("DiscreteResourceSpec", "Kind"))


_TASK = ("Spec", "TaskTemplate")
_CONTAINER = (*_TASK, "ContainerSpec")


class Service(BaseModel):
    """A service of the swarm (`docker service inspect`); `replicas` is None for one that runs on every node."""

    name: str = Field(validation_alias=AliasPath("Spec", "Name"))
    labels: dict[str, str] | None = Field(None, validation_alias=AliasPath("Spec", "Labels"))
    replicas: int | None = Field(None, validation_alias=AliasPath("Spec", "Mode", "Replicated", "Replicas"))
    image: str = Field("", validation_alias=AliasPath(*_CONTAINER, "Image"))
    arguments: tuple[str, ...] | None = Field(None, validation_alias=AliasPath(*_CONTAINER, "Args"))
    environment: tuple[str, ...] | None = Field(None, validation_alias=AliasPath(*_CONTAINER, "Env"))
    mounts: tuple[_Mount, ...] | None = Field(None, validation_alias=AliasPath(*_CONTAINER, "Mounts"))
    reserved: tuple[_Reserved, ...] | None = Field(
        None, validation_alias=AliasPath(*_TASK, "Resources", "Reservations", "GenericResources")
    )

    @property
    def is_wanted(self) -> bool:
        """Whether it is to have a task at all; one that is scaled down to none holds nothing."""
        return self.replicas is None or self.replicas > 0

    @property
    def reserves(self) -> tuple[str, ...]:
        """The kinds of generic resources that each of its tasks takes for itself."""
        return tuple(one.kind for one in self.reserved or () if one.kind is not None)

    @property
    def parts(self) -> dict[str, object]:
        """What its tasks are made of, as `parts` puts it."""
        return parts(
            image=self.image,
            command=self.arguments or (),
            environment=self.environment or (),
            mounts=[(one.target, one.source, one.read_only) for one in self.mounts or ()],
            replicas=self.replicas,
            reserved=self.reserves,
        )
