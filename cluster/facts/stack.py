"""Step 6: the image, the directories that containers see, and the service that runs them."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from shlex import quote
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.parse import as_models, lines, succeeded, text, yes
from cluster.facts.resources import CLIMB

if TYPE_CHECKING:
    from cluster.node import Node

STACK = "finetuning-multinode"
SERVICE = f"{STACK}_finetune"
DIGEST_LABEL = "com.spark-runbook.digest"


_STAYS = ("Running", "Complete", "Failed", "Shutdown", "Rejected", "Orphaned", "Remove", "Exited", "Dead", "Restarting")
_IN_VAIN = 3
_ENDED = ("Failed", "Complete", "Rejected")


class Task(BaseModel):
    """One task of the service: `state` begins with Running, Pending, Rejected and so on, `error` says why not."""

    id: str = Field("", alias="ID")
    node: str = Field("", alias="Node")
    desired: str = Field("", alias="DesiredState")
    state: str = Field("", alias="CurrentState")
    error: str = Field("", alias="Error")

    @property
    def runs(self) -> bool:
        """Whether it is up."""
        return self.state.startswith("Running")

    @property
    def comes(self) -> bool:
        """Whether it is on its way up, and nothing is known to stand in its way."""
        wanted = self.desired in ("Running", "Ready")
        return wanted and not self.state.startswith(_STAYS) and not (self.state.startswith("Pending") and self.error)

    @property
    def goes(self) -> bool:
        """Whether it is up and told to end; another one comes in its place."""
        return self.runs and self.desired == "Shutdown"

    @property
    def ended_just_now(self) -> bool:
        """Whether it ended, or did not start, within the last minute."""
        return self.state.startswith(_ENDED) and "second" in self.state

    @property
    def story(self) -> str:
        """Its state and, where it has one, its error."""
        error = self.error.strip('"')
        if not error:
            return self.state
        # Of a plain container docker says it all in one.
        return error if error.startswith(self.state) else f"{self.state}: {error}"


def restarted_in_vain(tasks: Iterable[Task]) -> dict[str, Task]:
    """Return, by node, the newest of the tasks that ended one after the other: three within a minute.

    Args:
        tasks: the newest first, as docker tells them.
    """
    ended: dict[str, list[Task]] = {}
    for task in tasks:
        if task.ended_just_now:
            ended.setdefault(task.node, []).append(task)
    return {node: found[0] for node, found in ended.items() if len(found) >= _IN_VAIN}


def _image_id(reading: Reading) -> str:
    return "" if "No such image" in reading.err else text(reading).partition(" ")[0]


def _image_architecture(reading: Reading) -> str:
    if "No such image" in reading.err:
        return ""
    if not (told := text(reading).partition(" ")[2].strip()):
        raise ParseError("it tells no architecture")
    return told


def _image_content(reading: Reading) -> str:
    if "No such image" in reading.err:
        return ""
    layers = re.search(r'"Layers":(\[[^]]*\])', text(reading))
    if not layers:
        raise ParseError("it tells no layers")
    environment = text(reading).partition("} ")[2]
    return f"sha256:{hashlib.sha256(f'{layers[1]} {environment}'.encode()).hexdigest()}"


def _has_no_service(reading: Reading) -> bool:
    # A node that is in no swarm runs no service either.
    return any(words in reading.err.lower() for words in ("no such service", "not a swarm manager"))


def _digest(reading: Reading) -> str:
    return "" if _has_no_service(reading) else text(reading)


_parse_tasks = as_models(Task)


def _tasks(reading: Reading) -> tuple[Task, ...]:
    return () if _has_no_service(reading) else _parse_tasks(reading)


def _present(reading: Reading) -> dict[str, bool]:
    found = {}
    for line in lines(reading):
        answer, _, path = line.partition(" ")
        if answer not in ("yes", "no"):
            raise ParseError(f"this is no answer: {line[:80]}")
        found[path] = answer == "yes"
    return found


def _words_of_tasks(reading: Reading) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in succeeded(reading).split("== ")[1:]:
        task, *told = part.splitlines() or [""]
        found[task.strip()] = tuple(line.strip()[:200] for line in told if line.strip())
    return found


def _checksums(reading: Reading) -> dict[str, str]:
    return {
        str(PurePosixPath(path)): checksum
        for line in succeeded(reading).splitlines()
        if (checksum := line.partition("  ")[0]) and (path := line.partition("  ")[2])
    }


def _image(node: "Node") -> str:
    image = quote(node.cluster.inventory.image.reference)
    return f"docker image inspect --format '{{{{.Id}}}} {{{{.Architecture}}}}' {image}"


# What an image has none of some dockers leave out, and `.Config.Env` would then be an error: by `index` it is nothing.
_CONTENT = '{{json .RootFS}}{{with index . "Config"}}{{with index . "Env"}} {{json .}}{{end}}{{end}}'
CONTENT_TO_SUM = '{{json .RootFS.Layers}} {{with index . "Config"}}{{with index . "Env"}}{{json .}}{{end}}{{end}}'
"""The same as the one text that `image_content` is the checksum of, for a node that compares by itself."""


def _content(node: "Node") -> str:
    return f"docker image inspect --format '{_CONTENT}' {quote(node.cluster.inventory.image.reference)}"


def _directories(node: "Node") -> str:
    return "\n".join(
        f"test -d {quote(path)} && echo yes {quote(path)} || echo no {quote(path)}"
        for path in node.cluster.bind_sources
    )


def _writable(node: "Node") -> str:
    return _of_our_own(node, 'test -w "$path" && echo "yes $place" || echo "no $place"')


def _owners(node: "Node") -> str:
    return _of_our_own(node, 'echo "$(stat -L -c %u:%g "$path") $place"')


def _of_our_own(node: "Node", command: str) -> str:
    places = f"{quote(node.cluster.workspace)} {quote(node.cluster.model_cache)}"
    return f"for place in {places}; do path=$place; {CLIMB}; {command}; done"


def _by_path(reading: Reading) -> dict[str, str]:
    return {path: word for word, _, path in (line.partition(" ") for line in lines(reading))}


def _models(node: "Node") -> str:
    hub = quote(f"{node.cluster.model_cache}/hub")
    # The hub's own names: what a training wrote there with a line end in it would be taken for two.
    named = "'(' -name 'models--*' -o -name 'datasets--*' ')' -not -name '*[!A-Za-z0-9._-]*'"
    return f"test -d {hub} || exit 0; find {hub} -mindepth 1 -maxdepth 1 -type d {named}"


def _files(node: "Node") -> str:
    workspace, program = quote(node.cluster.workspace), node.cluster.program
    look = "find . -type f -not -path './runs/*' -not -path './models/*' -not -name '*.pyc' -exec sha256sum {} +"
    if program is not None:
        # What else lies there may be 30 GB of somebody's own.
        there = 'for name; do shift; test ! -f "$name" || set -- "$@" "$name"; done'
        look = f'set -- {" ".join(map(quote, program))}; {there}; test $# = 0 || sha256sum -- "$@"'
    return f"test -d {workspace} || exit 0; cd {workspace} && {{ {look}; }}"


_NOT_HERE = "echo 'the manager tells of it' >&2; exit 1"
"""What a worker is asked instead of what it could not answer; docker would take its time to say so."""

# Of a task that ended: docker keeps its output as long as it keeps its container.
_WORDS = f"""\
ended=$(docker service ps -q --no-trunc --filter desired-state=shutdown {SERVICE} 2>/dev/null | head -n 6)
for task in $ended; do
  echo "== $task"
  timeout 5 docker service logs --raw --tail 3 "$task" 2>&1
done; true"""


def _digest_label(node: "Node") -> str:
    if node.cluster.inventory.uses_swarm:
        if node is not node.cluster.manager:
            return _NOT_HERE
        return f"docker service inspect --format '{{{{index .Spec.Labels \"{DIGEST_LABEL}\"}}}}' {SERVICE}"
    return f"docker ps -a --format '{{{{.Label \"{DIGEST_LABEL}\"}}}}' {_ours(node)} | head -n 1"


def _all_tasks(node: "Node") -> str:
    if node.cluster.inventory.uses_swarm:
        if node is not node.cluster.manager:
            return _NOT_HERE
        return f"docker service ps --no-trunc --format '{{{{json .}}}}' {SERVICE}"
    shape = (
        '{"ID": "{{.ID}}", "Node": "\'$(hostname)\'", "DesiredState": "Running", '
        '"CurrentState": "{{title .State}}", "Error": "{{.Status}}"}'
    )
    return f"docker ps -a --no-trunc --format '{shape}' {_ours(node)}"


def _ours(node: "Node") -> str:
    return f"--filter label={DIGEST_LABEL} --filter label={CLUSTER_LABEL}={node.cluster.inventory.name}"


def _words(node: "Node") -> str:
    if node.cluster.inventory.uses_swarm:
        return _WORDS
    ended = f"docker ps -aq --no-trunc --filter status=exited --filter status=restarting {_ours(node)}"
    return f'for id in $({ended}); do echo "== $id"; timeout 5 docker logs --tail 3 "$id" 2>&1; done; true'


class StackFacts(Facts):
    """Image and directories of a node; of a swarm the manager alone can tell service and tasks.

    `image_id` is what this docker calls the image. Of one image docker's own store and containerd's make two ids, so
    nodes are compared by `image_content`, a checksum of its unpacked layers and its environment. `image_architecture`
    is amd64, arm64 and the like. `writable` and `owners` tell of workspace and model cache, or of the directories that
    they are to be made in.
    """

    image_id: str = fact(_image, _image_id, root=True)
    image_architecture: str = fact(_image, _image_architecture, root=True)
    image_content: str = fact(_content, _image_content, root=True, private=True)
    directories: dict[str, bool] = fact(_directories, _present, root=True)
    writable: dict[str, bool] = fact(_writable, _present)
    owners: dict[str, str] = fact(_owners, _by_path, root=True)
    workspace: dict[str, str] = fact(_files, _checksums, root=True, timeout_s=20)
    digest: str = fact(_digest_label, _digest, root=True)
    cached_models: tuple[str, ...] = fact(_models, lines, root=True)
    rdma: bool = fact("test -d /dev/infiniband && echo yes || echo no", yes)
    tasks: tuple[Task, ...] = fact(_all_tasks, _tasks, root=True, timeout_s=30)


class EndedFacts(Facts):
    """The last words of the tasks that ended, by their id: asked for where one did not start, of who started it."""

    last_words: dict[str, tuple[str, ...]] = fact(_words, _words_of_tasks, root=True, timeout_s=30)
