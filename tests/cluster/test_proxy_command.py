"""A ProxyCommand is run as ssh runs it: by a shell, which makes room for it."""

from dataclasses import replace

import pytest

from cluster.ssh import SshConnection
from tests.sshd import Sshd

THROUGH = (
    "ssh -F none -i {key} -p {port} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
    "-o LogLevel=ERROR -W 127.0.0.1:{port} 127.0.0.1"
)


@pytest.mark.parametrize("command", [THROUGH, f"exec {THROUGH}"])
def test_a_node_is_reached_through_it(sshd: Sshd, command: str) -> None:
    connection = SshConnection(replace(sshd.target, proxy_command=command.format(key=sshd.key, port=sshd.port)))
    connection.open()
    assert connection.run("echo here", stdin=b"", deadline_s=10).out == "here\n"
    connection.close()
