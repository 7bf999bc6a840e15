"""Why SSH does not let us in, as sentences."""

import socket

import paramiko

from cluster.ssh_target import Target

_STALLED = "No existing session"
"""What paramiko says of a handshake that did not come to its end in time."""


def explain(target: Target, error: Exception) -> str:  # noqa: C901, PLR0911, PLR0912 - many causes
    """Say in one sentence why a node could not be reached, and what to do."""
    place, user = target.place, target.user or "the default user"
    match error:
        case paramiko.BadHostKeyException():
            return (
                f"the host key of {place} is not the one in {target.known_hosts}: if the node was reinstalled, remove "
                f"the old key with `ssh-keygen -f {target.known_hosts} -R '{target.known_as}'` and connect by hand; "
                "else somebody may be in between."
            )
        case paramiko.PasswordRequiredException():
            return f"{_keys(target)} has a passphrase: load it into your agent with `ssh-add`."
        case paramiko.AuthenticationException():
            return (
                f"{place} refuses the key of {user}: copy it there with `ssh-copy-id`, or name another with `key`; "
                "where others may write into the home or ~/.ssh, sshd takes no key at all."
            )
        case socket.gaierror():
            whose = f", the address of {target.name}" if target.host != target.name else ""
            return f"no name server knows {target.host}{whose}: correct it, or give an `address`."
        case TimeoutError():
            return f"{place} did not answer within {target.connect_timeout_s:g} s: is it on, and is its address right?"
        case ConnectionRefusedError():
            return f"{place} refuses connections: is sshd running there, and on that port?"
        case FileNotFoundError() | PermissionError():
            return f"the key {error.filename} for {place} cannot be read: {error.strerror}."
        case OSError():
            return f"{place} cannot be reached: {error.strerror or error}."
        case paramiko.SSHException() if "not found in known_hosts" in str(error):
            return (
                f"the host key of {place} is not in {target.known_hosts}: connect once with ssh and confirm it, "
                "or let new ones be accepted (`accept_new: true` under `ssh`; with `cluster init`, `--accept-new`)."
            )
        case paramiko.SSHException() if "private key" in str(error):
            return f"{_keys(target)} for {place} cannot be used: {error}."
        case paramiko.SSHException() if isinstance(error.__context__, TimeoutError) or _STALLED in str(error):
            return f"{place} did not answer within {target.connect_timeout_s:g} s: is that an sshd, and is it alive?"
        case paramiko.SSHException() | EOFError():
            return f"{place} does not speak SSH with us: {error or 'it closed the connection'}."
        case _:
            return f"{place} cannot be reached: {type(error).__name__}: {error}."


def _keys(target: Target) -> str:
    return f"the key {' or '.join(map(str, target.keys))}" if target.keys else "your key"
