"""Step 6: the directories that containers see, what lies in them, and the stack itself."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from shlex import quote

from cluster.cluster import Cluster
from cluster.errors import CommandFailed
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.stack import DIGEST_LABEL, SERVICE, STACK, Task, restarted_in_vain
from cluster.facts.swarm import GPU_KIND, STACK_LABEL
from cluster.node import Node
from engine.change import Change, Changes, Consent, Flag, Instruction, RunCommand, WriteFile, together
from engine.files import missing_directories
from engine.place_files import PlaceFiles
from engine.rights import SetRights
from engine.undo_step import UndoCommand, UndoStep
from workloads import launcher
from workloads.deploy import container_spec, rendered_stack, workspace_files
from workloads.plain_container import container_digest, run_command
from workloads.stack import stack_digest

START_PATIENCE_S = 120
"""The image is there, so a container starts within seconds, but on a disk that is busy."""

KNOWS_DETACH = 26
"""The release of docker's client whose `docker stack deploy` takes `--detach`, and warns where it is left out."""


@dataclass(eq=False)
class MakeDirectory(Change):
    """Make a directory, and those above it; undo removes those that were made and are empty.

    With `root` they are made by root, and given to the user.
    """

    path: str
    root: bool = False

    def describe(self) -> str:
        """Show the command."""
        return f"{self.node.name}$ {'sudo ' if self.root else ''}{self._command}"

    @cached_property
    def _missing(self) -> list[str]:
        return [quote(path) for path in missing_directories(self.node, self.path, root=self.root)]

    @property
    def _command(self) -> str:
        if not self.root or not self._missing:
            return f"mkdir -p {quote(self.path)}"
        # Without -p: what somebody else makes meanwhile is not given away.
        made = " ".join(reversed(self._missing))
        return f"mkdir {made} && chown {self.node.login.user}: {made}"

    def undo(self) -> list[UndoStep]:
        """Remove what will have been made, the deepest first."""
        command = f"rmdir --ignore-fail-on-non-empty -- {' '.join(self._missing)} 2>/dev/null; true"
        return [UndoCommand(command, root=self.root)] if self._missing else []

    def apply(self) -> None:
        """Make it.

        Raises:
            ClusterError: It cannot be made.
        """
        self.node.change(self._command, root=self.root)


def make_directories(node: Node) -> Iterator[Change]:
    """Make our own directories; those of the inventory's mounts, and in what is another's, are left to a person."""
    stack, own = node.stack, (node.cluster.workspace, node.cluster.model_cache)
    for path, there in stack.directories.items():
        if there:
            continue
        make = f"make the directory {path} on {node.name}"
        if path not in own:
            yield Instruction(node, f"{make}, which `mounts` in the inventory names")
        elif stack.writable[path]:
            yield MakeDirectory(node, path)
        elif path == node.cluster.inventory.workspace and stack.owners[path].startswith("0:"):
            yield MakeDirectory(node, path, root=True)
        else:
            yield Instruction(node, f"{make} and give it to {node.login.user}, who may not make it there")


def own_workspace(node: Node) -> Iterator[Change]:
    """Give the workspace to the user, who copies the program there; what lies in it keeps its owner."""
    path, user = node.cluster.workspace, node.login.user
    after = f"$(id -u {user}):$(id -g {user})"
    yield SetRights(node, "chown", path, f"{user}:", before=node.stack.owners[path], after=after)


def copy_workload(node: Node) -> Iterator[Change]:
    """Copy the fine-tuning program, the recipes and the data into the workspace."""
    there, wanted = node.stack.workspace, workspace_files(node.cluster.inventory.recipe)
    missing = {name: content.data for name, content in wanted.items() if name not in there}
    if missing:
        yield PlaceFiles(node, node.cluster.workspace, missing)
    for name, content in wanted.items():
        if name in there and there[name] != content.sha256:
            yield WriteFile(node, f"{node.cluster.workspace}/{name}", content.data, root=False)


def deploy(cluster: Cluster) -> Changes:
    """Start the containers; those that run already and differ are replaced only on request: work in them would die."""
    if cluster.inventory.uses_swarm:
        # The playbook's own stack has this name as well, and another service in it, which holds the GPUs.
        services = cluster.manager.swarm.services_of(STACK)
        consent = _recreation(f"the stack {STACK} with its {' and '.join(services)}") if services else None
        yield DeployStack(cluster.manager, rendered_stack(cluster), consent=consent)
        return
    deployed, expected = launcher.deployed(cluster), launcher.expected(cluster)
    yield together(_start(node) for node in cluster.nodes if deployed[node.name] != expected[node.name])


def _start(node: Node) -> Iterator[Change]:
    """Start a node's plain container, in the place of the one that is there."""
    cluster, spec, rdma = node.cluster, container_spec(node.cluster), node.stack.rdma
    if node.stack.digest:
        yield RunCommand(node, remove_command(cluster), consent=_recreation("the running container"))
    digest = container_digest(spec, rdma=rdma)
    yield RunCommand(
        node,
        run_command(spec, rdma=rdma),
        undo_command=remove_command(cluster, digest),
        undo_asks="recreate-stack",
        undo_stands=_stands(_containers(cluster, digest)),
    )


def _recreation(what: str) -> Consent:
    return Consent("recreate-stack", f"{what} is replaced, and whatever is trained in it ends")


def recreate(node: Node) -> Iterator[Change]:
    """Make the container anew, in a swarm all of the stack's, when asked to: work in them would die."""
    if not node.container.ours or not node.stack.image_id:
        return  # what starts containers starts this one as well, and an image that is fetched may be the one it runs
    if not node.cluster.inventory.uses_swarm:
        yield from _start(node)
        return
    consent = _recreation(f"the running stack {STACK}")
    yield RunCommand(
        node.cluster.manager, f"docker service update --force --detach=false {SERVICE}", consent=consent, deadline_s=120
    )


def unpause(node: Node) -> Iterator[Change]:
    """Let what somebody has paused run on."""
    for one in node.container.ours:
        if one.status == "paused":
            runs = f"docker ps -q --no-trunc --filter status=running | grep -q {one.id}"
            yield RunCommand(node, f"docker unpause {one.id}", undo_command=f"docker pause {one.id}", undo_stands=runs)


@dataclass(eq=False)
class DeployStack(Change):
    """Deploy a rendered stack and wait until every node runs its task."""

    content: str
    undo_asks: Flag | None = field(default="recreate-stack", kw_only=True)

    def describe(self) -> str:
        """Show the command, and the file it is given."""
        indented = "\n".join(f"    {line}" for line in self.content.splitlines())
        return f"{self.node.name}$ sudo {self._command}\n{indented}"

    @cached_property
    def _command(self) -> str:
        client = self.node.docker.engine.client
        detach = " --detach=true" if client and client.release >= KNOWS_DETACH else ""
        # The image is the same on all nodes already (checked before), so no registry is asked.
        return f"docker stack deploy{detach} --prune --resolve-image never -c - {STACK}"

    def undo(self) -> list[UndoStep]:
        """Remove it again, unless a later run has deployed another."""
        digest = stack_digest(self.content)
        remove = remove_command(self.node.cluster, digest)
        return [UndoCommand(remove, root=True, stands=_stands(_services(digest)))]

    def apply(self) -> None:
        """Deploy and wait.

        Raises:
            CommandFailed: A task did not start; the message is the task's own.
        """
        before = {task.id for task in self.node.stack.tasks}
        self.node.change(self._command, stdin=self.content.encode())
        until, in_vain = time.monotonic() + START_PATIENCE_S, dict[str, Task]()
        while time.monotonic() < until and not in_vain:
            self.node.forget()
            running = sum(task.runs for task in self.node.stack.tasks if task.desired == "Running")
            if running == self.node.cluster.size:
                return
            in_vain = restarted_in_vain(task for task in self.node.stack.tasks if task.id not in before)
            self.node.cluster.tell(f"{self.node.name}: {running} of {self.node.cluster.size} tasks of {STACK} run")
            time.sleep(0.2)
        raise CommandFailed(self._why_not(in_vain))

    def _why_not(self, in_vain: Mapping[str, Task]) -> str:
        if in_vain:
            ends = "; ".join(f"{name}: {launcher.story(self.node.cluster, task)}" for name, task in in_vain.items())
            return f"the stack {STACK} is started again and again, and ends: {ends}."
        why = "; ".join(
            f"{task.node or 'no node'}: {task.story}" for task in self.node.stack.tasks if task.desired == "Running"
        )
        holders = self.node.swarm.holders(GPU_KIND, but=SERVICE)
        why += f"; GPUs are held by the service {' and '.join(holders)}" if holders else ""
        return f"the stack {STACK} did not come up within {START_PATIENCE_S} s: {why or 'it has no task'}."


def remove_command(cluster: Cluster, digest: str = "") -> str:
    """Build the command that removes our stack, or a plain container, and returns when its containers are gone.

    With a digest only what carries it is removed: a later run may have deployed another. Services that somebody else
    has put into a stack of that name stay, and so does a container that only has the name of ours.
    """
    if not cluster.inventory.uses_swarm:
        return f'ours=$({_containers(cluster, digest)}) && {{ test -z "$ours" || docker rm --force $ours; }}'
    of_stack = f"docker service ls -q --filter label={STACK_LABEL}={STACK}"
    remove = (
        f'all=$({of_stack}) && ours=$({_services(digest)}) && if test "$all" = "$ours"; '
        f'then docker stack rm {STACK}; elif test -n "$ours"; then docker service rm $ours; fi'
    )
    # `docker` itself returns before they are gone. Where the service is there still, it is another's and so are they.
    left = f"docker ps -q --filter label=com.docker.swarm.service.name={SERVICE}"
    gone = f'test -z "$({left})" || docker service inspect {SERVICE} >/dev/null 2>&1'
    return f"{remove} && for i in $(seq 120); do {gone} && exit 0; sleep 0.5; done; exit 1"


def _services(digest: str) -> str:
    """Build the command that lists our services by their ids."""
    return f"docker service ls -q --filter label={STACK_LABEL}={STACK} --filter label={_label(digest)}"


def _containers(cluster: Cluster, digest: str) -> str:
    """Build the command that lists our plain containers by their ids, those that ended as well."""
    ours = f"{CLUSTER_LABEL}={cluster.inventory.name}"
    return f"docker ps -aq --no-trunc --filter label={quote(ours)} --filter label={_label(digest)}"


def _stands(listed: str) -> str:
    """Build the command that succeeds where another lists something."""
    return f'test -n "$({listed})"'


def _label(digest: str) -> str:
    return f"{DIGEST_LABEL}={digest}" if digest else DIGEST_LABEL
