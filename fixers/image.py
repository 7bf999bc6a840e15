"""Step 6: the training image on every node, before the stack asks for it."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from cluster.cluster import Cluster
from cluster.docker_api import docker_of
from cluster.errors import CommandFailed, UnknownFact
from cluster.node import Node
from engine.change import Call, Change, Changes
from fixers.image_copies import MOST_TAKERS, PATIENCE_S, Archive, CopyImage, HandOn
from workloads import training_image

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""Docker paints what a build says on stderr."""

_NO_LOGIN = re.compile(
    r"unauthorized|(?<!permission )denied|authenticat|authorization|no basic auth|\b40[13]\b", re.IGNORECASE
)
"""In what an engine says where a registry wants a login; each kind of registry has its own words."""


def fetch(node: Node) -> Iterator[Change]:
    """Copy the image over the fabric; the first node builds, loads or pulls it, and each pulls one named by digest.

    It comes from a node that has it, or will. An archive is handed on while it comes, so that all of them unpack it at
    the same time.
    """
    image = node.cluster.inventory.image
    archive, manager = image.archive, node.cluster.manager
    source = next((peer for peer in node.peers if _has(peer)), None)
    takers = _takers(manager) if archive else []
    if image.by_digest:
        yield _pulled(node)
    elif source is None and archive is not None and takers and node in (manager, *takers):
        yield HandOn(manager, tuple(takers), archive, turn=node)
    elif (source or manager) is not node:
        yield CopyImage(node, source or manager, image.reference)
    elif image.built:
        # The file that docker follows is told along.
        lines = "\n  ".join(training_image.dockerfile(image.base).splitlines())
        words = f"docker build --network host --tag {image.reference} - with\n  {lines}"
        yield Call(node, words, lambda: _build(node, image.base, image.reference))
    elif archive is not None:
        yield Call(node, f"docker load --input {archive}", lambda: _load(node, archive))
    else:
        yield _pulled(node)


def give_all_the_same(cluster: Cluster) -> Changes:
    """Give all nodes the manager's image; by digest each pulls it. What they had under its name stays without one."""
    manager, image = cluster.manager, cluster.inventory.image
    others = [node for node in cluster.nodes if node.stack.image_content != manager.stack.image_content]
    if image.by_digest:
        yield [_pulled(node, foreseeable=False) for node in others]
    else:
        yield [
            CopyImage(node, manager, image.reference, instead_of=node.stack.image_id, foreseeable=False)
            for node in others
        ]


def _pulled(node: Node, *, foreseeable: bool = True) -> Call:
    name = node.cluster.inventory.image.reference
    return Call(node, f"docker pull {name}", lambda: _pull(node, name), foreseeable=foreseeable)


def _takers(manager: Node) -> list[Node]:
    """List the nodes to which the manager hands an archive on while it loads it: those that lack the image."""
    peers = [peer for peer in manager.peers if peer.trouble is None]
    return [peer for peer in peers if _has(peer) is False][:MOST_TAKERS]


def _has(node: Node) -> bool | None:
    """Whether the image is on a node; None where that is not known."""
    try:
        return node.stack.image_id != ""
    except UnknownFact:
        return None


def _build(node: Node, base: str, name: str) -> None:
    context, wrong = io.BytesIO(training_image.context(base)), ""
    with docker_of(node, timeout_s=PATIENCE_S) as client:
        events = client.api.build(
            fileobj=context, custom_context=True, tag=name, network_mode="host", rm=True, decode=True
        )
        for event in events:
            if "error" in event:
                failed = CommandFailed(f"docker build on {node.name}: {wrong or event['error']}")
                raise failed if wrong else _with_the_way_to_log_in(failed, node, base)
            said = _COLOUR.sub("", f"{event.get('stream') or event.get('status', '')} {event.get('progress', '')}")
            # What pip found wrong comes before docker's word that it failed.
            wrong = said.strip() if said.startswith("ERROR") else wrong
            if said.strip():
                node.cluster.tell(f"{node.name}: {name}: {said.strip().splitlines()[0]}")


def _load(node: Node, archive: Path) -> None:
    pieces = Archive(archive, node)
    with docker_of(node, timeout_s=PATIENCE_S) as client:
        try:
            client.images.load(pieces)  # type: ignore[arg-type]  # requests sends any iterable, in chunks.
        finally:
            # Docker only sees that the archive broke off.
            pieces.raise_for_trouble()


def _pull(node: Node, name: str) -> None:
    try:
        with docker_of(node, timeout_s=PATIENCE_S) as client:
            _follow_pull(node, name, client.api.pull(name, stream=True, decode=True))
    except CommandFailed as failed:
        raise _with_the_way_to_log_in(failed, node, name) from None


def _follow_pull(node: Node, name: str, events: Iterator[dict[str, str]]) -> None:
    for event in events:
        if "error" in event:
            raise CommandFailed(f"docker pull {name} on {node.name}: {event['error']}")
        node.cluster.tell(f"{node.name}: {name}: {event.get('status', '')} {event.get('progress', '')}".rstrip())


def _with_the_way_to_log_in(failed: CommandFailed, node: Node, name: str) -> CommandFailed:
    """Say what to do where a registry wants a login: none goes to an engine from here, be it yours or the node's."""
    if not _NO_LOGIN.search(str(failed)):
        return failed
    from docker.auth import resolve_repository_name  # noqa: PLC0415 - as in docker_of

    registry, _ = resolve_repository_name(name)
    there = f"run `docker login {registry}` and `docker pull {name}` on {node.name}, then run this again"
    return CommandFailed(f"{str(failed).rstrip('. ')}; if the image wants a login, {there}.")
