"""Steps 3 and 4: what daemon.json and the NVIDIA runtime's config.toml have to say, and when docker takes it up."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tomlkit

from cluster.facts.daemon import flag_of
from cluster.facts.docker import DAEMON_JSON, DockerFacts
from cluster.facts.swarm import GPU_KIND, SWARM_RESOURCE
from cluster.facts.toolkit import CONFIG_TOML
from cluster.node import Node
from engine.change import Change, Consent, Flag, Instruction, RunCommand, WriteFile
from engine.files import read_file
from engine.naming import with_verb

# dockerd before 23.0 cannot be asked.
_VALIDATE = """\
said=$(dockerd --validate --config-file /dev/stdin 2>&1) && exit
case $said in *"unknown flag: --validate"*) exit 0; esac
echo "$said" >&2; exit 1"""
RESTART = "systemctl reset-failed docker.service; systemctl restart docker.service"
"""systemd refuses docker's unit a fourth start within a minute, and a repair with its undo can take as many."""


_RUNTIME = {"path": "nvidia-container-runtime", "runtimeArgs": []}
_COMMENTED = re.compile(r"^#\s*swarm-resource\s*=.*$", re.MULTILINE)


@dataclass(eq=False, kw_only=True)
class WriteDaemonJson(WriteFile):
    """Write daemon.json, but only what dockerd itself accepts."""

    taken_up_by: str | None = RESTART

    def apply(self) -> None:
        """Let dockerd validate it first, where it can.

        Raises:
            CommandFailed: dockerd refuses it; nothing was written.
        """
        self.node.change(_VALIDATE, stdin=self.content, what="`dockerd --validate`")
        super().apply()


def edit_settings(
    node: Node,
    edit: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    taken_up_by: str | None = RESTART,
    consent: Consent | None = None,
) -> WriteDaemonJson:
    """Edit daemon.json, no file being an empty one; `taken_up_by` is None where docker does not run."""
    file = read_file(node, DAEMON_JSON, root=True)
    settings = json.loads(file.content) if file.content and file.content.strip() else {}
    content = (json.dumps(edit(settings), indent=2) + "\n").encode()
    asks: Flag | None = "restart-docker" if taken_up_by == RESTART else None
    return WriteDaemonJson(
        node, DAEMON_JSON, content, taken_up_by=taken_up_by, consent=consent, made_from=file, undo_asks=asks
    )


def wanted_offers(node: Node) -> tuple[str, ...]:
    """What daemon.json has to offer: this node's own GPUs, and what it offers beside GPUs already; sorted."""
    others = [one for one in node.docker.offers if not one.startswith(f"{GPU_KIND}=")]
    return tuple(sorted([*others, *(f"{GPU_KIND}={uuid}" for uuid in node.gpu.uuids)]))


def _set(node: Node, name: str, value: object) -> Change:
    """Set something in daemon.json, unless it stands on dockerd's command line."""
    if name in node.daemon.flags:
        return out_of_the_unit(node, name, "docker does not start with it there and in daemon.json")
    return edit_settings(node, lambda settings: settings | {name: value})


def out_of_the_unit(node: Node, name: str, why: str) -> Instruction:
    """Tell a person to take the flag that stands for a setting out of docker's unit, and where it is."""
    where = f"in {node.daemon.started_by}" if node.daemon.started_by else "see `systemctl cat docker.service`"
    return Instruction(
        node,
        f"take {flag_of(name)} out of dockerd's command line on {node.name} ({where}), since {why}; then "
        "`sudo systemctl daemon-reload`, and run again",
    )


def register_runtime(node: Node) -> Iterator[Change]:
    """Register the NVIDIA runtime beside those that are there."""
    # Those of --add-runtime may stand beside it: of all flags these alone dockerd merges with its file.
    yield edit_settings(
        node, lambda settings: settings | {"runtimes": (settings.get("runtimes") or {}) | {"nvidia": _RUNTIME}}
    )


def make_default(node: Node) -> Iterator[Change]:
    """Make the NVIDIA runtime the default."""
    yield _set(node, "default-runtime", "nvidia")


def offer_gpus(node: Node) -> Iterator[Change]:
    """Offer this node's GPUs, and no other's."""
    yield _set(node, "node-generic-resources", list(wanted_offers(node)))


def name_swarm_resource(node: Node) -> Iterator[Change]:
    """Tell the runtime by which variable swarm hands out GPUs."""
    file = read_file(node, CONFIG_TOML, root=True)
    text = (file.content or b"").decode()
    line = f'swarm-resource = "{SWARM_RESOURCE}"'
    document = tomlkit.parse(text)
    if "swarm-resource" in document:
        document["swarm-resource"] = SWARM_RESOURCE
        text = tomlkit.dumps(document)
    elif _COMMENTED.search(text):
        text = _COMMENTED.sub(line, text, count=1)
    else:
        text = f"{line}\n{text}"  # before any table, or it would belong to that
    yield WriteFile(node, CONFIG_TOML, text.encode(), made_from=file)


def restart(node: Node) -> Iterator[Change]:
    """Let docker take up its settings; running containers would die, so then it asks."""
    if node.cluster.locked:
        node.forget_about(DockerFacts)  # what runs may have been started since the run began
    names = [container.name for container in node.docker.running]
    consent = (
        Consent("restart-docker", f"docker restarts on {node.name} while {with_verb(names, 'runs', 'run')} there")
        if names
        else None
    )
    # Containers that run come back by themselves, and nobody knows before what they find then.
    yield RunCommand(node, RESTART, takes_up=True, consent=consent, foreseeable=not names, deadline_s=120)
