"""Step 6: the training image on every node, before the stack asks for it."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import IO

from cluster.docker_api import docker_of
from cluster.errors import CommandFailed
from cluster.node import Node
from engine.change import Call, Change, UndoStep
from workloads import training_image

_PATIENCE_S = 3600
"""NVIDIA's image takes up more than 20 GB, and docker unpacks it while it comes."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""Docker paints what a build says on stderr."""

# Runs on the node that takes the image. Both ends' own words are what a failure is told by.
_COPY = """
import subprocess, sys
door, image = sys.argv[1:]
ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", door]
asked = subprocess.run([*ssh, "docker", "image", "inspect", "--format", "{{.Size}}", image],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True)
if asked.returncode:
    sys.exit(asked.stderr.strip() or "the image is not there")
size, done, told = max(1, int(asked.stdout)), 0, 0
save = subprocess.Popen([*ssh, "docker", "save", image], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
load = subprocess.Popen(["docker", "load", "--quiet"], stdin=subprocess.PIPE)
try:
    while piece := save.stdout.read(1 << 20):
        load.stdin.write(piece)
        done += len(piece)
        if (percent := min(100, 100 * done // size) // 5 * 5) > told:
            told = percent
            print(f"{percent} % of {size / 1e9:.1f} GB", flush=True)
    if save.wait():
        load.kill()
        sys.exit("docker save broke off")
    load.stdin.close()
except BrokenPipeError:
    save.kill()
sys.exit(load.wait())
"""


def fetch(node: Node) -> Iterator[Change]:
    """Copy the image over the fabric from a node that has it, or will; the first builds it, loads it or pulls it."""
    image = node.cluster.inventory.image
    archive, manager = image.archive, node.cluster.manager
    source = next((peer for peer in node.cluster.peers(node) if peer.stack.image_id), manager)
    if source is not node:
        yield CopyImage(node, source, image.reference)
    elif image.built:
        # The file that docker follows is told along.
        lines = "\n  ".join(training_image.dockerfile(image.base).splitlines())
        words = f"docker build --network host --tag {image.reference} - with\n  {lines}"
        yield Call(node, words, lambda: _build(node, image.base, image.reference))
    elif archive is not None:
        yield Call(node, f"docker load --input {archive}", lambda: _load(node, archive))
    else:
        yield Call(node, f"docker pull {image.reference}", lambda: _pull(node, image.reference))


@dataclass(eq=False)
class CopyImage(Change):
    """Have a node take an image from a peer, by the ssh between them that step 1 has seen working."""

    node: Node
    source: Node
    image: str

    def describe(self) -> str:
        """Show the command it stands for."""
        return f"{self.node.name}$ ssh {self._door} docker save {self.image} | docker load"

    def undo(self) -> list[UndoStep]:
        """Keep it: an image is not in the way of anybody."""
        return []

    def apply(self) -> None:
        """Copy it, telling how far it has come.

        Raises:
            CommandFailed: The source could not send it, or docker could not take it.
        """

        def tell(line: str) -> None:
            self.node.cluster.tell(f"{self.node.name}: {self.image} from {self.source.name}: {line}")

        words = f"python3 - {quote(self._door)} {quote(self.image)}"
        self.node.change(words, root=False, stdin=_COPY.encode(), deadline_s=_PATIENCE_S, on_line=tell)

    @property
    def _door(self) -> str:
        return f"{self.source.login.user}@{self.source.cluster.fabric_address(self.source)}"


def _build(node: Node, base: str, name: str) -> None:
    context, wrong = io.BytesIO(training_image.context(base)), ""
    with docker_of(node, timeout_s=_PATIENCE_S) as client:
        events = client.api.build(
            fileobj=context, custom_context=True, tag=name, network_mode="host", rm=True, decode=True
        )
        for event in events:
            if "error" in event:
                raise CommandFailed(f"docker build on {node.name}: {wrong or event['error']}")
            said = _COLOUR.sub("", f"{event.get('stream') or event.get('status', '')} {event.get('progress', '')}")
            # What pip found wrong comes before docker's word that it failed.
            wrong = said.strip() if said.startswith("ERROR") else wrong
            if said.strip():
                node.cluster.tell(f"{node.name}: {name}: {said.strip().splitlines()[0]}")


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
