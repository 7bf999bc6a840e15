"""A service of the swarm, as its manager tells it."""

from posixpath import normpath

from pydantic import BaseModel, Field


class _Discrete(BaseModel):
    kind: str = Field("", alias="Kind")


class _Reserved(BaseModel):
    discrete: _Discrete | None = Field(None, alias="DiscreteResourceSpec")


class _Reservations(BaseModel):
    generic: tuple[_Reserved, ...] | None = Field(None, alias="GenericResources")


class _TaskResources(BaseModel):
    reservations: _Reservations | None = Field(None, alias="Reservations")


class _Mount(BaseModel):
    source: str = Field("", alias="Source")
    target: str = Field("", alias="Target")
    read_only: bool = Field(False, alias="ReadOnly")


class _ContainerSpec(BaseModel):
    image: str = Field("", alias="Image")
    arguments: tuple[str, ...] | None = Field(None, alias="Args")
    environment: tuple[str, ...] | None = Field(None, alias="Env")
    mounts: tuple[_Mount, ...] | None = Field(None, alias="Mounts")


class _TaskTemplate(BaseModel):
    container: _ContainerSpec = Field(default_factory=lambda: _ContainerSpec.model_validate({}), alias="ContainerSpec")
    resources: _TaskResources | None = Field(None, alias="Resources")


class _Replicated(BaseModel):
    replicas: int = Field(0, alias="Replicas")


class _Mode(BaseModel):
    replicated: _Replicated | None = Field(None, alias="Replicated")


class _ServiceSpec(BaseModel):
    name: str = Field(alias="Name")
    labels: dict[str, str] | None = Field(None, alias="Labels")
    mode: _Mode | None = Field(None, alias="Mode")
    template: _TaskTemplate | None = Field(None, alias="TaskTemplate")


class Service(BaseModel):
    """A service of the swarm (`docker service inspect`)."""

    spec: _ServiceSpec = Field(alias="Spec")

    @property
    def is_wanted(self) -> bool:
        """Whether it is to have a task at all; one that is scaled down to none holds nothing."""
        replicated = self.spec.mode.replicated if self.spec.mode else None
        return replicated is None or replicated.replicas > 0

    @property
    def reserves(self) -> tuple[str, ...]:
        """The kinds of generic resources that each of its tasks takes for itself."""
        resources = self.spec.template.resources if self.spec.template else None
        reserved = resources.reservations if resources else None
        return tuple(one.discrete.kind for one in (reserved.generic or () if reserved else ()) if one.discrete)

    @property
    def parts(self) -> dict[str, object]:
        """What its tasks are made of, each part in an order of its own: of an image the name, without its digest."""
        container = self.spec.template.container if self.spec.template else _ContainerSpec.model_validate({})
        replicated = self.spec.mode.replicated if self.spec.mode else None
        return {
            "image": container.image.partition("@")[0],
            "command": list(container.arguments or ()),
            "environment": sorted(container.environment or ()),
            "mounts": sorted(
                (normpath(one.target), one.source and normpath(one.source), one.read_only)
                for one in container.mounts or ()
            ),
            "replicas": replicated.replicas if replicated else 0,
            "reserved resources": list(self.reserves),
        }
