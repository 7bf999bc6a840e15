"""Starts a job on all nodes at once, follows it, and ends it as a whole when one rank fails."""

import os
import time
from concurrent.futures import wait
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from cluster.cluster import Cluster
from cluster.container_paths import WORKSPACE_IN_CONTAINER
from cluster.docker_api import Cut, docker_of
from cluster.errors import ClusterError
from cluster.facts.base import Reading
from cluster.facts.config import ACCELERATE_YAML
from cluster.node import Node
from cluster.threads import begin
from workloads.accelerate_config import launch_command
from workloads.job import FINISHED, LOST, Rank, Training, guilty
from workloads.recipe import Recipe, find_recipe, load_recipe
from workloads.resume import find_unfinished

if TYPE_CHECKING:
    from docker import DockerClient

GRACE_S = 5.0
"""After one rank has failed the others have so long to say what they saw, before they are ended."""

FAREWELL_S = 3.0
"""When all ranks were ended, a node has so long to say so; one that has lost its power never does."""

KEPT_WORDS = 4000
"""Of what a rank that failed said last so many characters are told."""

_ONE_DAY_S = 86_400
_TICK_S = 0.5

# Runs in the container, which may have no ps: ends every process that works in this run's folder, torchrun's too.
_END = """
import os, signal, sys, time
def ours():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        if sys.argv[1] in words and int(pid) != os.getpid():
            yield int(pid)
for sign, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 2)):
    until = time.monotonic() + patience
    for pid in ours():
        os.kill(pid, sign)
    while time.monotonic() < until and any(ours()):
        time.sleep(0.1)
"""


class Launch:
    """One job: a process on every node, in the container of playbook step 7."""

    def __init__(self, cluster: Cluster, recipe: str) -> None:
        """Prepare a job from a recipe's name or file.

        Raises:
            RecipeError: There is no such recipe, or it is not one.
        """
        self._cluster = cluster
        self._name = find_recipe(recipe).stem
        self._recipe: Recipe = load_recipe(recipe)
        self._recipe_file = f"{WORKSPACE_IN_CONTAINER}/recipes/{self._name}.yaml"
        self._output = f"{WORKSPACE_IN_CONTAINER}/runs/{datetime.now(UTC):%Y%m%d-%H%M%S}-{self._name}"
        self._ranks = [Rank(node.rank, node.name) for node in cluster.nodes]

    def run(self) -> Training:
        """Launch on all nodes, follow to the end and tell what came of it; Ctrl-C ends the job first.

        A run that was interrupted is carried on.
        """
        started = time.monotonic()
        if self._recipe.checkpoint_every:
            self._output = find_unfinished(self._cluster, self._recipe_file) or self._output
        blamed: Rank | None = None
        story = FINISHED
        cuts = [Cut() for _ in self._ranks]
        followers = [
            begin(partial(self._follow, node, rank, cut)) for (node, rank), cut in zip(self._pairs(), cuts, strict=True)
        ]
        try:
            while not all(follower.done() for follower in followers):
                time.sleep(_TICK_S)
                if self._trouble():
                    self._let_them_speak()
                    # Told before the others are ended, since then all of them have failed.
                    blamed = guilty(self._ranks)
                    story = blamed.story if blamed else story
                    break
        finally:
            self._end_all()
            wait(followers, timeout=FAREWELL_S)
            for cut in cuts:
                cut.make()
            wait(followers, timeout=FAREWELL_S)
        if blamed is None and any(rank.failed for rank in self._ranks):
            blamed = guilty(self._ranks)
            story = blamed.story if blamed else story
        if blamed is not None:
            self._note_words(blamed)
        return Training(self._name, self._ranks, story, time.monotonic() - started)

    def _note_words(self, rank: Rank) -> None:
        """Have the verdict rest on what a rank said last: its story has no more than one line of it."""
        words = "\n".join(rank.log)[-KEPT_WORDS:]
        self._cluster.nodes[rank.number].note(Reading(" ".join(self._command()), rank.exit, words, ""))

    def _pairs(self) -> list[tuple[Node, Rank]]:
        return list(zip(self._cluster.nodes, self._ranks, strict=True))

    def _trouble(self) -> bool:
        limits = self._recipe.timeouts
        patience = max(limits.join_s, limits.load_s, limits.step_s) + 30
        hangs = any(rank.running and time.monotonic() - rank.heard > patience for rank in self._ranks)
        return hangs or any(rank.failed for rank in self._ranks)

    def _let_them_speak(self) -> None:
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until and any(rank.running for rank in self._ranks):
            time.sleep(0.1)

    def _follow(self, node: Node, rank: Rank, cut: Cut) -> None:
        try:
            with docker_of(node, timeout_s=_ONE_DAY_S, cut=cut) as client:
                self._exec(client, node, rank)
        except Exception as error:  # noqa: BLE001 - a rank that nobody follows any more must not pass for a good one
            known = isinstance(error, ClusterError)
            rank.error = rank.error or (
                str(error) if known else f"it was lost sight of: {type(error).__name__}: {error}"
            )
            rank.ended(rank.exit if rank.exit is not None else LOST)

    def _exec(self, client: "DockerClient", node: Node, rank: Rank) -> None:
        # As read from a file it may end in a newline, with which it would be found in no line.
        token = os.environ.get("HF_TOKEN", "").strip()
        secrets = {"HF_TOKEN": token} if token else {}
        created = client.api.exec_create(
            node.container.ours[0].id, self._command(), environment=secrets, workdir=WORKSPACE_IN_CONTAINER
        )
        process: str = created["Id"]
        # Each stream has a rest of its own: a progress bar on stderr ends in no newline, and an event may follow.
        rests = [b"", b""]
        for pieces in client.api.exec_start(process, stream=True, demux=True):
            for stream, piece in enumerate(pieces):
                *lines, rests[stream] = (rests[stream] + (piece or b"")).split(b"\n")
                for line in lines:
                    self._hear(rank, line.decode("utf-8", "replace"), secrets)
        for rest in rests:
            self._hear(rank, rest.decode("utf-8", "replace"), secrets)
        status = client.api.exec_inspect(process)["ExitCode"]
        rank.ended(LOST if status is None else int(status))

    def _hear(self, rank: Rank, line: str, secrets: dict[str, str]) -> None:
        for secret in secrets.values():
            line = line.replace(secret, "(redacted)")
        if line.strip() and (words := rank.hear(line)) and rank.number == 0:
            self._cluster.tell(f"{self._name}: {words}")

    def _command(self) -> list[str]:
        program = ["finetune", "--recipe", self._recipe_file]
        program += ["--world-size", str(self._cluster.size), "--output", self._output]
        program += ["--device", self._cluster.inventory.device]
        return launch_command(f"{WORKSPACE_IN_CONTAINER}/{ACCELERATE_YAML}", self._recipe.timeouts.join_s, program)

    def _end_all(self) -> None:
        # One that was lost sight of may run on, and hold its GPU and its port.
        left = [node for node, rank in self._pairs() if rank.running or rank.exit == LOST]
        self._cluster.on_all(self._end, left)

    def _end(self, node: Node) -> None:
        try:
            with docker_of(node, timeout_s=20) as client:
                container = client.containers.get(node.container.ours[0].id)
                container.exec_run(["python3", "-c", _END, self._output])
        except ClusterError as error:
            self._cluster.tell(f"{node.name}: its rank could not be ended: {error}")
