"""From an inventory entry and the user's ssh_config to the place where a node's SSH is."""

from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.config import SSH_PORT

from cluster.errors import InventoryError
from cluster.inventory import NodeEntry, Ssh
from cluster.paths import exists
from cluster.ssh_config import looked_up


@dataclass(frozen=True)
class Target:
    """Where a node's SSH is and who we are there, with ssh_config already looked up."""

    name: str
    host: str
    port: int
    user: str | None
    keys: tuple[Path, ...]
    known_hosts: Path
    accept_new: bool
    connect_timeout_s: float
    jump: "Target | None" = None
    proxy_command: str | None = None
    host_key_alias: str | None = None

    @property
    def place(self) -> str:
        """The node's name, host and port, for sentences."""
        return f"{self.name} ({self.host} port {self.port})"

    @property
    def known_as(self) -> str:
        """The name under which known_hosts has it: ssh looks an alias up without a port, and a host in lower case."""
        return self.host_key_alias or known_name(self.host.lower(), self.port)


def known_name(host: str, port: int) -> str:
    """Return the name under which known_hosts has the sshd at a port of a host."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


def ssh_target(node: NodeEntry, ssh: Ssh) -> Target:
    """Resolve a node: the inventory wins over ssh_config, ssh_config over the defaults.

    Raises:
        InventoryError: The ssh_config cannot be understood.
    """
    return _resolve(node.name, node.address or node.name, node, ssh)


def _resolve(name: str, alias: str, node: NodeEntry, ssh: Ssh, jumps: int = 0) -> Target:
    user = node.user or ssh.user
    found = looked_up(ssh.config.expanduser(), alias, user)
    jump = found.get("proxyjump", "none")
    if jumps > 3:
        raise InventoryError(f"{ssh.config}: ProxyJump of {name} leads in a circle.")
    keys = [key for key in (node.key, ssh.key) if key is not None][:1]
    # Those of ssh_config may be missing: ssh tries the others, and those that every user has.
    keys = keys or [path for key in found.get("identityfile", []) if exists(path := Path(key).expanduser())]
    return Target(
        name=name,
        host=found.get("hostname", alias),
        port=node.port or ssh.port or _port(name, found, ssh),
        user=user or found.get("user"),
        keys=tuple(key.expanduser() for key in keys),
        known_hosts=ssh.known_hosts.expanduser(),
        accept_new=ssh.accept_new,
        connect_timeout_s=ssh.connect_timeout_s,
        jump=None if jump == "none" else _jump(jump, ssh, jumps),
        proxy_command=found.get("proxycommand"),
        host_key_alias=found.get("hostkeyalias"),
    )


def entry_of(spec: str) -> NodeEntry:
    """Read HOST, USER@HOST, HOST:PORT or USER@HOST:PORT.

    Raises:
        ValueError: It is none of them.
    """
    user, _, endpoint = spec.rpartition("@")
    host, _, port = endpoint.partition(":")
    return NodeEntry.model_validate(
        {"name": "node", "address": host, "user": user or None, "port": int(port) if port else None}
    )


def _jump(spec: str, ssh: Ssh, jumps: int) -> Target:
    if "," in spec:
        raise InventoryError(
            f"{ssh.config}: ProxyJump {spec} names several hosts; name the last, with a ProxyJump of its own."
        )
    try:
        entry = entry_of(spec)
    except ValueError:
        raise InventoryError(f"{ssh.config}: ProxyJump {spec} cannot be understood; write USER@HOST:PORT.") from None
    plain = ssh.model_copy(update={"user": None, "port": None, "key": None})  # those are the nodes', not the jump's
    return _resolve(f"the jump host {entry.address}", str(entry.address), entry, plain, jumps + 1)


def _port(name: str, found: paramiko.SSHConfigDict, ssh: Ssh) -> int:
    port = found.get("port", str(SSH_PORT))
    if not port.isdecimal():
        raise InventoryError(f"{ssh.config}: Port {port} of {name} is no number.")
    return int(port)
