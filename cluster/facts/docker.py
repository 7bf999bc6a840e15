"""Step 2: the Docker engine, and who may use it."""

import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter

from cluster.facts.base import Facts, ParseError, Reading, contents, fact
from cluster.facts.parse import as_models, load_json, number, succeeded, validated, word, words, yes

if TYPE_CHECKING:
    from cluster.node import Node


_DETAILS = (
    "ServerVersion", "Driver", "CgroupDriver", "CgroupVersion", "DefaultRuntime", "Runtimes", "LiveRestoreEnabled",
    "LoggingDriver", "SecurityOptions", "RegistryConfig", "DockerRootDir", "HttpProxy", "HttpsProxy", "NoProxy",
    "KernelVersion", "OperatingSystem", "Architecture", "NCPU", "MemTotal", "GenericResources", "Warnings",
)  # fmt: skip


class _Resource(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    kind: str = Field(alias="Kind")
    value: str = Field(alias="Value")


class GenericResource(BaseModel):
    """One entry of docker's GenericResources: one by its name, such as a GPU's UUID, or so many of a kind."""

    spec: _Resource | None = Field(None, validation_alias=AliasChoices("NamedResourceSpec", "DiscreteResourceSpec"))


class Peer(BaseModel):
    """A manager as a node of the swarm knows it."""

    address: str = Field("", alias="Addr")


class Swarm(BaseModel):
    """The swarm part of `docker info`."""

    node_id: str = Field("", alias="NodeID")
    address: str = Field("", alias="NodeAddr")
    state: str = Field("", alias="LocalNodeState")
    is_manager: bool = Field(False, alias="ControlAvailable")
    error: str = Field("", alias="Error")
    managers: tuple[Peer, ...] | None = Field(None, alias="RemoteManagers")


class Client(BaseModel):
    """The `docker` that was asked; it is a package of its own and may be older than the daemon."""

    version: str = Field("", alias="Version")

    @property
    def release(self) -> int:
        """The first number of its version, 0 where it does not tell it (before 23.0)."""
        found = re.match(r"\d{1,6}", self.version, re.ASCII)
        return int(found[0]) if found else 0


def offers_of(resources: tuple[GenericResource, ...] | None) -> tuple[str, ...]:
    """Spell generic resources as daemon.json does, KIND=VALUE; sorted, since their order means nothing."""
    return tuple(sorted(f"{one.spec.kind}={one.spec.value}" for one in resources or () if one.spec))


_AS_IMAGES_SAY = {"x86_64": "amd64", "aarch64": "arm64"}


class Engine(BaseModel):
    """What the running daemon says of itself (`docker info`)."""

    version: str = Field(alias="ServerVersion")
    runtimes: dict[str, Any] = Field(alias="Runtimes")
    default_runtime: str = Field(alias="DefaultRuntime")
    live_restore: bool = Field(False, alias="LiveRestoreEnabled")
    driver: str = Field("", alias="Driver")
    resources: tuple[GenericResource, ...] | None = Field(None, alias="GenericResources")
    swarm: Swarm = Field(alias="Swarm")
    client: Client | None = Field(None, alias="ClientInfo")
    machine: str = Field(alias="Architecture")

    @property
    def architecture(self) -> str:
        """The processor's architecture as images name it, where the two differ: amd64 for x86_64."""
        return _AS_IMAGES_SAY.get(self.machine, self.machine)

    @property
    def offers(self) -> tuple[str, ...]:
        """What it offers to a swarm as daemon.json spells it, KIND=VALUE, sorted."""
        return offers_of(self.resources)


class _Settings(BaseModel):
    """The part of daemon.json that is compared and written; what else stands in it is docker's own to judge."""

    runtimes: dict[str, Any] | None = None
    default_runtime: str | None = Field(None, alias="default-runtime")
    resources: tuple[str, ...] | None = Field(None, alias="node-generic-resources")


class Container(BaseModel):
    """A running container, as `docker ps` tells it."""

    name: str = Field(alias="Names")
    labels: str = Field("", alias="Labels")

    @property
    def is_task(self) -> bool:
        """Whether a swarm started it, and ends it when the node leaves."""
        return "com.docker.swarm.task.id=" in self.labels


def _told_by_daemon(reading: Reading) -> Any:
    """Read `docker info`, which exits 0 and fills ServerErrors when the daemon does not answer."""
    data = load_json(reading.out) if reading.out.strip() else None
    if isinstance(data, dict) and data.get("ServerErrors"):
        errors = data["ServerErrors"]
        first = str(errors[0] if isinstance(errors, list) else errors)
        raise ParseError(f"the daemon does not answer: {' '.join(first.split())[:200]}")
    succeeded(reading)
    return data


def parse_engine(reading: Reading) -> Engine:
    """Read what `docker info` says of the daemon."""
    return validated(TypeAdapter(Engine), _told_by_daemon(reading))


def parse_details(reading: Reading) -> dict[str, str]:
    """Read what else it says of the daemon, each detail as JSON."""
    data = _told_by_daemon(reading)
    if not isinstance(data, dict):
        raise ParseError("an object was expected")
    return {name: json.dumps(data.get(name), sort_keys=True) for name in _DETAILS}


def parse_settings(reading: Reading) -> dict[str, Any]:
    """Read daemon.json; no file is an empty one."""
    if not succeeded(reading).strip():
        return {}
    data = load_json(reading.out)
    if not isinstance(data, dict):
        raise ParseError("daemon.json is no JSON object")
    validated(TypeAdapter(_Settings), data)
    return data


def parse_unit_states(reading: Reading) -> dict[str, str]:
    """Read `systemctl is-enabled`; a unit that is not there is `not-found`, which older systemd tells as an error."""
    missing = re.findall(r"unit file state for (\S+): No such file", reading.err)
    there = [unit for unit in _UNITS if unit not in missing]
    states = reading.out.split()
    if len(states) != len(there):
        raise ParseError(f"it tells of {len(states)} units, and {len(there)} were asked for")
    return dict.fromkeys(missing, "not-found") | dict(zip(there, states, strict=True))


def _may_use(reading: Reading) -> str:
    return "yes" if reading.exit == 0 else (reading.err.strip() or "it said nothing").splitlines()[0][:200]


def _groups(node: "Node") -> str:
    return f"id -nG {node.login.user}"


DAEMON_JSON = "/etc/docker/daemon.json"
FIND_ROOT = f"""root=$(sed -n 's/.*"data-root"[^"]*"\\([^"]*\\)".*/\\1/p' {DAEMON_JSON} 2>/dev/null)"""
"""Shell that sets `root` to the data-root of daemon.json, empty where none is set."""


_UNITS = ("docker.service", "docker.socket", "containerd.service")
_WANTED = "/etc/systemd/system/multi-user.target.wants/docker.service"


def _path_of(runtime: Any) -> str | None:
    """Return the program of a runtime, None where it is not registered."""
    return str(runtime.get("path", "")) if isinstance(runtime, dict) else None


class DockerFacts(Facts):
    """The service, the daemon, its settings, and the groups of the user we are.

    `units` are docker's service and what it needs, each as `systemctl is-enabled` tells it. `wanted` is whether the
    service would start at boot if it were not masked; `details` is what else it tells of itself, to compare nodes by.
    """

    is_local = True

    active: str = fact("systemctl is-active docker.service", word)
    units: dict[str, str] = fact(f"systemctl is-enabled {' '.join(_UNITS)}", parse_unit_states)
    wanted: bool = fact(f"test -e {_WANTED} && echo yes || echo no", yes)
    up_s: float = fact('ps -o etimes= -p "$(systemctl show --property=MainPID --value docker.service)"', number)
    program: str = fact("command -v dockerd || true", lambda reading: reading.out.strip())
    groups: frozenset[str] = fact(_groups, words)
    session_groups: frozenset[str] = fact("id -nG", words)
    usable: str = fact("docker ps --quiet --last 1", _may_use)
    engine: Engine = fact("docker info --format '{{json .}}'", parse_engine, root=True)
    details: dict[str, str] = fact("docker info --format '{{json .}}'", parse_details, root=True)
    settings: dict[str, Any] = fact(contents(DAEMON_JSON), parse_settings, root=True)
    running: tuple[Container, ...] = fact("docker ps --no-trunc --format '{{json .}}'", as_models(Container), root=True)

    @property
    def enabled(self) -> str:
        """Whether the service starts at boot, as systemd says it: enabled, disabled, masked, not-found."""
        return self.units["docker.service"]

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The runtimes that daemon.json registers; docker's own runc needs no entry."""
        return tuple(self.settings.get("runtimes") or ())

    @property
    def nvidia_runtime(self) -> str | None:
        """The program that daemon.json registers for NVIDIA's runtime, if it does."""
        return _path_of((self.settings.get("runtimes") or {}).get("nvidia"))

    @property
    def default_runtime(self) -> str:
        """The runtime that daemon.json gives to containers that name none."""
        return str(self.settings.get("default-runtime", "runc"))

    @property
    def offers(self) -> tuple[str, ...]:
        """What daemon.json offers to a swarm, KIND=VALUE, sorted."""
        return tuple(sorted(self.settings.get("node-generic-resources") or ()))

    @property
    def configured(self) -> dict[str, Any]:
        """What daemon.json asks for, as far as the playbook goes."""
        return {
            "nvidia runtime": self.nvidia_runtime,
            "default runtime": self.default_runtime,
            "offers": self.offers,
        }

    @property
    def in_force(self) -> dict[str, Any]:
        """The same, as the running daemon has it."""
        engine = self.engine
        return {
            "nvidia runtime": _path_of(engine.runtimes.get("nvidia")),
            "default runtime": engine.default_runtime,
            "offers": engine.offers,
        }
