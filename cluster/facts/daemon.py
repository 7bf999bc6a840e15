"""Step 2: what dockerd is started with, and what kept it from starting."""

import json
import re
import shlex

from packaging.version import Version
from pydantic import BaseModel, Field, TypeAdapter

from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, contents, fact
from cluster.facts.docker import DAEMON_JSON, FIND_ROOT
from cluster.facts.parse import lines, load_json, succeeded, validated

# grep ends each line, the last one of a file as well, which `read` would otherwise leave out.
_PROGRAMS = f"""\
grep -o '"path"[[:space:]]*:[[:space:]]*"[^"]*"' {DAEMON_JSON} 2>/dev/null | sed 's/.*"\\(.*\\)"$/\\1/' |
while read -r program; do
  command -v "$program" >/dev/null && echo "$program"
done; true"""
# dockerd takes long to look at its file, and one that runs has taken it, if neither has changed since it started.
_VALIDATE = f"""\
test -e {DAEMON_JSON} || exit 0
pid=/run/docker.pid
if test -e "/proc/$(cat $pid 2>/dev/null)/cmdline" && ! grep -q -e --config-file "/proc/$(cat $pid)/cmdline" &&
  test -z "$(find {DAEMON_JSON} "$(command -v dockerd)" -newercm $pid)"; then exit 0; fi
dockerd --validate --config-file {DAEMON_JSON}"""
_SHORT = {
    "D": "debug",
    "G": "group",
    "H": "host",
    "b": "bridge",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
}
_SETTINGS = {
    "authorization-plugin": "authorization-plugins",
    "cdi-spec-dir": "cdi-spec-dirs",
    "default-address-pool": "default-address-pools",
    "default-network-opt": "default-network-opts",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "feature": "features",
    "host": "hosts",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "node-generic-resource": "node-generic-resources",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
"""Flags of dockerd whose setting in daemon.json has another name; those of add-runtime it merges with the file's."""

# Of the files that say how to start it, the last one holds.
_STARTED = r"""
shown=$(systemctl show -p ExecStart -p FragmentPath -p DropInPaths docker.service) || exit
echo "$shown"
files="$(echo "$shown" | sed -n 's/^FragmentPath=//p') $(echo "$shown" | sed -n 's/^DropInPaths=//p')"
grep -ls '^[[:space:]]*ExecStart[[:space:]]*=[[:space:]]*[^[:space:]]' $files </dev/null | sed 's/^/by /'; true"""


class SwarmState(BaseModel):
    """The addresses that a swarm was begun or joined on, as the engine keeps them on disk."""

    local: str = Field("", alias="LocalAddr")
    listen: str = Field("", alias="ListenAddr")
    advertise: str = Field("", alias="AdvertiseAddr")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its addresses without their ports, each once; those that mean every address are left out."""
        found = (re.sub(r":\d+$", "", one).strip("[]") for one in (self.local, self.listen, self.advertise))
        return tuple(dict.fromkeys(host for host in found if host not in ("", "0.0.0.0", "::")))  # noqa: S104 - compared


def _json_fault(reading: Reading) -> str:
    content = succeeded(reading)
    if not content.strip():
        return ""
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except (ValueError, RecursionError):
        return "it is not JSON"
    return ""


def _refusal(reading: Reading) -> str:
    # dockerd before 23.0 cannot be asked; what it would say is then seen in its log alone.
    if reading.exit == 0 or "unknown flag: --validate" in reading.err:
        return ""
    said = (reading.err.strip() or reading.out.strip()).splitlines()
    if not said:
        raise ParseError(f"it failed with exit {reading.exit} and said nothing")
    return re.sub(r"^unable to configure the Docker daemon with file \S+: ", "", said[-1])[:300]


def _flags(reading: Reading) -> frozenset[str]:
    found = re.search(r"argv\[\]=(.*?) ; ", succeeded(reading))
    if not found:
        return frozenset()
    try:
        words = shlex.split(found[1])
    except ValueError:
        raise ParseError(f"its command line has an open quote: {found[1][:80]}") from None
    names = (re.match(r"--?([A-Za-z][\w-]*)", word) for word in words[1:])
    flags = (_SHORT.get(name[1], name[1]) for name in names if name)
    return frozenset(_SETTINGS.get(flag, flag) for flag in flags)


def _started_by(reading: Reading) -> str:
    return next((line[3:] for line in reversed(lines(reading)) if line.startswith("by ")), "")


def flag_of(setting: str) -> str:
    """Return the flag of dockerd that sets what a setting of daemon.json does."""
    return next((f"--{flag}" for flag, name in _SETTINGS.items() if name == setting), f"--{setting}")


def _last_words(reading: Reading) -> str:
    told = [line for line in succeeded(reading).splitlines() if not re.search(r"level=(debug|info|warning)", line)]
    if not told:
        return ""
    message = re.search(r'msg="((?:[^"\\]|\\.)*)"', told[-1])
    return (message[1].replace('\\"', '"') if message else told[-1].strip())[:300]


def _swarm_state(reading: Reading) -> SwarmState:
    content = succeeded(reading)
    return validated(TypeAdapter(SwarmState), load_json(content) if content.strip() else {})


def _version(reading: Reading) -> Version:
    found = re.search(r"(\d{1,6}(?:\.\d{1,6}){1,4})", succeeded(reading), re.ASCII)
    if not found:
        raise ParseError("it names no version")
    return Version(found[1])


class DaemonFacts(Facts):
    """The version of dockerd, its daemon.json, flags and last words, the addresses that its swarm rests on.

    `flags` are told by the names that they have in daemon.json, `started_by` is the file of the unit that has them. Of
    the runtimes that daemon.json registers, `runtime_programs` are those whose program is there.
    """

    is_local = True

    version: Version = fact("dockerd --version", _version)
    json_fault: str = fact(contents(DAEMON_JSON), _json_fault, root=True)
    refusal: str = fact(_VALIDATE, _refusal, root=True)
    flags: frozenset[str] = fact(_STARTED, _flags)
    started_by: str = fact(_STARTED, _started_by)
    last_words: str = fact("journalctl -u docker.service -t dockerd -n 100 -o cat --no-pager", _last_words, root=True)
    runtime_programs: tuple[str, ...] = fact(_PROGRAMS, lines, root=True)
    swarm_state: SwarmState = fact(
        f"{FIND_ROOT}; state=${{root:-/var/lib/docker}}/swarm/docker-state.json\n{contents('$state')}",
        _swarm_state,
        root=True,
    )

    @property
    def fault(self) -> str:
        """What is wrong with daemon.json: where it is no JSON, or what dockerd refuses in it; empty if nothing is."""
        return self.json_fault or self.refusal

    @property
    def twice(self) -> tuple[str, ...]:
        """The directives that stand both in daemon.json and on the unit's command line, with which dockerd refuses.

        Raises:
            UnknownFact: daemon.json cannot be read.
        """
        if self.json_fault:
            raise UnknownFact(f"daemon.json on {self.node.name} cannot be read: {self.json_fault}")
        return tuple(sorted(self.flags & self.node.docker.settings.keys()))
