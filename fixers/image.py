"""Step 6: the training image on every node, before the stack asks for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cluster.docker_api import docker_of
from cluster.errors import CommandFailed
from cluster.node import Node
from engine.change import Call, Change

_PATIENCE_S = 600


def fetch(node: Node) -> Iterator[Change]:
    """Load the image from the inventory's archive, or pull it where there is none."""
    image = node.cluster.inventory.image
    archive = image.archive
    if archive is not None:
        yield Call(node, f"docker load --input {archive}", lambda: _load(node, archive))
    else:
        yield Call(node, f"docker pull {image.name}", lambda: _pull(node, image.name))


def _load(node: Node, archive: Path) -> None:
    try:
        with archive.open("rb") as file, docker_of(node, timeout_s=_PATIENCE_S) as client:
            client.images.load(_Watched(file, archive.stat().st_size, node))
    except OSError as error:
        raise CommandFailed(f"the image archive {archive} cannot be read: {error.strerror}.") from None


def _pull(node: Node, name: str) -> None:
    with docker_of(node, timeout_s=_PATIENCE_S) as client:
        for event in client.api.pull(name, stream=True, decode=True):
            if "error" in event:
                raise CommandFailed(f"docker pull {name} on {node.name}: {event['error']}")
            node.cluster.tell(f"{node.name}: {name}: {event.get('status', '')} {event.get('progress', '')}".rstrip())


class _Watched:
    """A file that tells how far it was read."""

    def __init__(self, file: IO[bytes], size: int, node: Node) -> None:
        self._file = file
        self._size = size
        self._node = node
        self._told = -1

    def __len__(self) -> int:
        return self._size

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        percent = 100 * self._file.tell() // max(1, self._size) // 25 * 25
        if percent != self._told:
            self._told = percent
            self._node.cluster.tell(f"{self._node.name}: loading the image, {percent} %")
        return data
