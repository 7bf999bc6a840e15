"""Ways of an image between nodes: copied from one that has it, or handed on while an archive is loaded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from paramiko.config import SSH_PORT

from cluster.errors import CommandFailed
from cluster.facts.stack import CONTENT_TO_SUM
from cluster.node import Node
from engine.change import Change
from engine.undo_step import UndoCommand, UndoStep

PATIENCE_S = 3600
"""NVIDIA's image takes up more than 20 GB, and docker unpacks it while it comes."""

MOST_TAKERS = 4
"""To so many an archive is handed on while it comes: the slowest of them holds up all."""

_PIECE = 2**18
"""Bytes."""

# Runs on the node that takes the image. Both ends' own words are what a failure is told by.
_COPY = """
import subprocess, sys
destination, port, image = sys.argv[1:]
ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-p", port, "--", destination]
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

# Runs on the node that an archive is sent to. It says of itself and of every destination how `docker load` ended there.
_HAND_ON = """
import subprocess, sys
load = ["docker", "load", "--quiet"]
ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
commands = {"here": load}
for argument in sys.argv[1:]:
    destination, port = argument.rsplit(":", 1)
    commands[destination] = [*ssh, "-p", port, "--", destination, *load]
pipe = subprocess.PIPE
loads = {destination: subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe)
         for destination, command in commands.items()}
taking = set(loads)
while "here" in taking and (piece := sys.stdin.buffer.read(1 << 20)):
    for destination in sorted(taking):
        try:
            loads[destination].stdin.write(piece)
            loads[destination].stdin.flush()
        except BrokenPipeError:
            taking.discard(destination)
for process in loads.values():
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass
for destination, process in loads.items():
    said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    print(destination, process.wait(), said[-1] if said else "", flush=True)
"""


@dataclass(eq=False)
class CopyImage(Change):
    """Have a node take an image from a peer, by the ssh between them that step 1 has seen working."""

    source: Node
    image: str
    instead_of: str = ""
    """The id of the image that has the name now, if one has."""

    def describe(self) -> str:
        """Show the command it stands for."""
        port = self.source.login.port
        told = self._destination if port == SSH_PORT else f"-p {port} {self._destination}"
        return f"{self.node.name}$ ssh {told} docker save {self.image} | docker load"

    def undo(self) -> list[UndoStep]:
        """Keep it, as an image is not in the way of anybody, but give the name back while it is the copy's."""
        if not self.instead_of:
            return []
        # It is known by what it holds, since one image has another id in another kind of docker's stores.
        copied = self.source.stack.image_content.removeprefix("sha256:")
        command = (
            "docker version >/dev/null || exit; "
            f"there=$(docker image inspect --format {quote(CONTENT_TO_SUM)} {quote(self.image)}); "
            f'test "$(printf %s "$there" | sha256sum)" != "{copied}  -" || '
            f"docker tag {quote(self.instead_of)} {quote(self.image)}"
        )
        return [UndoCommand(command, root=True)]

    def apply(self) -> None:
        """Copy it, telling how far it has come.

        Raises:
            CommandFailed: The source could not send it, or docker could not take it.
        """

        def tell(line: str) -> None:
            self.node.cluster.tell(f"{self.node.name}: {self.image} from {self.source.name}: {line}")

        words = f"python3 - {quote(self._destination)} {self.source.login.port} {quote(self.image)}"
        what = f"copying {self.image} from {self.source.name}"
        self.node.change(words, root=False, stdin=_COPY.encode(), deadline_s=PATIENCE_S, on_line=tell, what=what)

    @property
    def _destination(self) -> str:
        return f"{self.source.login.user}@{self.source.cluster.fabric_address(self.source)}"


@dataclass(eq=False)
class HandOn(Change):
    """Have the manager load an archive, and hand it on over the fabric while it comes."""

    takers: tuple[Node, ...]
    archive: Path
    turn: Node
    """The node whose check asks for it: the manager's comes first and serves all, so in another's turn that failed."""

    def describe(self) -> str:
        """Show the command it stands for."""
        names = ", ".join(node.name for node in self.takers)
        return f"{self.node.name}$ docker load --input {self.archive}, handed on by ssh to {names}"

    def undo(self) -> list[UndoStep]:
        """Keep it: an image is not in the way of anybody."""
        return []

    def apply(self) -> None:
        """Send the archive to the manager, telling how far it has come.

        A taker that could not take it is told of, and copies the image in its own turn.

        Raises:
            CommandFailed: The archive cannot be read, or docker on the manager could not take it.
        """
        if self.turn is not self.node:
            raise CommandFailed(f"{self.node.name} has no image to hand on; what kept it from that is told there.")
        destinations = {f"{taker.login.user}@{taker.cluster.fabric_address(taker)}": taker for taker in self.takers}
        ended: dict[str, tuple[str, str]] = {}

        def hear(line: str) -> None:
            destination, status, said = line.split(" ", 2)
            ended[destination] = (status, said)

        pieces = Archive(self.archive, self.node)
        told = " ".join(quote(f"{destination}:{taker.login.port}") for destination, taker in destinations.items())
        words = f"python3 -c {quote(_HAND_ON)} {told}"
        what = f"loading {self.archive}"
        self.node.change(words, root=False, stdin=pieces, deadline_s=PATIENCE_S, on_line=hear, what=what)
        for taker in self.takers:
            taker.forget()
        pieces.raise_for_trouble()
        status, said = ended.get("here", ("1", "it did not say why"))
        if status != "0":
            raise CommandFailed(f"docker load on {self.node.name} failed: {said}")
        for destination, taker in destinations.items():
            status, said = ended.get(destination, ("1", "it did not say why"))
            if status != "0":
                words = f"handing it on to {taker.name} failed, which will copy it: {said}"
                self.node.cluster.tell(f"{self.node.name}: loading the image: {words}")


class Archive:
    """The pieces of an image archive, told of while they are sent to a node; where it cannot be read they end."""

    def __init__(self, path: Path, node: Node) -> None:
        self._path = path
        self._node = node
        self._trouble: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        told = -1
        try:
            size = max(1, self._path.stat().st_size)
            with self._path.open("rb") as file:
                while piece := file.read(_PIECE):
                    percent = 100 * file.tell() // size // 25 * 25
                    if percent != told:
                        told = percent
                        self._node.cluster.tell(f"{self._node.name}: loading the image: {percent} %")
                    yield piece
        except OSError as error:
            self._trouble = error.strerror

    def raise_for_trouble(self) -> None:
        """Raise CommandFailed if the archive could not be read to its end."""
        if self._trouble:
            raise CommandFailed(f"the image archive {self._path} cannot be read: {self._trouble}.")
