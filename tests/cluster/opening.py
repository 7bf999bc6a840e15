"""Opening an SSH connection, and what is said where that is refused."""

import pytest

from cluster.errors import Unreachable
from cluster.ssh import SshConnection
from cluster.ssh_target import Target


def refusal(target: Target) -> str:
    with pytest.raises(Unreachable) as refused:
        SshConnection(target).open()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def opened(target: Target) -> SshConnection:
    connection = SshConnection(target)
    connection.open()
    return connection
