"""The dead-man switch of a network change: a timer on the node that puts the old network back unless we confirm."""

import time

from cluster.errors import ClusterError, CommandFailed, Unreachable
from cluster.node import Node

PATIENCE_S = 45
"""How long the node waits for our word before it puts the old network back, in seconds."""

_UNIT = "spark-runbook-network"
_SCRIPT = "/run/spark-runbook/network-back.sh"
_STATES = f"systemctl is-active {_UNIT}.timer {_UNIT}.service"

# Left on the node before anything is touched: it needs nobody's help to run.
_ARM = """\
set -eu
umask 077; mkdir -p /run/spark-runbook; cat >{script}
systemctl stop {unit}.timer {unit}.service 2>/dev/null || true
systemctl reset-failed {unit}.service 2>/dev/null || true
systemd-run --quiet --unit={unit} --on-active={seconds} --timer-property=AccuracySec=1s /bin/sh {script}
"""
# Confirming and going back may meet: whoever removes the script goes on, and the other stops.
_CLAIM = f"rm {_SCRIPT} || exit 1\n"
_DISARM = f"rm {_SCRIPT} && {{ systemctl stop {_UNIT}.timer || true; }}"
# Once the timer is stopped its service cannot be started any more, so the script is run by hand.
_STRIKE = f"systemctl stop {_UNIT}.timer; /bin/sh {_SCRIPT}"


def arm(node: Node, way_back: str) -> None:
    """Start the timer; `way_back` is the shell script that it runs when it strikes.

    Raises:
        ClusterError: It could not be started, so nothing may be changed.
    """
    script = (_CLAIM + way_back).encode("utf-8", "surrogateescape")
    node.change(_ARM.format(script=_SCRIPT, unit=_UNIT, seconds=PATIENCE_S), stdin=script, what="starting the dead man")


def disarm(node: Node) -> None:
    """Confirm the new network.

    Raises:
        CommandFailed: It was too late: the node goes back, or has gone.
    """
    node.change(_DISARM, what="confirming the new network")


def strike(node: Node) -> None:
    """Put the old network back at once.

    Raises:
        ClusterError: It could not be done; the timer, if it still runs, will do it.
    """
    node.change(_STRIKE, deadline_s=30, what="putting the old network back")


def wait_until_struck(node: Node) -> str | None:
    """Wait until the node has put its old network back; return why not, if it has not even then."""
    until = time.monotonic() + PATIENCE_S + 15
    while True:
        try:
            node.reconnect()
            if not _is_armed(node):
                return None
            trouble = f"{_SCRIPT} on {node.name} has not come to its end: look at `systemctl status {_UNIT}` there"
        except Unreachable as error:
            trouble = str(error)
        if time.monotonic() > until:
            return trouble
        time.sleep(1)


def take_back_unconfirmed(node: Node) -> None:
    """Let a change that an earlier run made and never confirmed be taken back now, not in the middle of this run.

    Raises:
        CommandFailed: The node cannot be reached any more, or does not come to an end with it.
    """
    if not _is_armed(node):
        return
    node.cluster.tell(f"{node.name}: a run was cut off while it changed the network; its change is taken back first")
    try:
        with node.changes_allowed():
            strike(node)
        node.reconnect()
    except ClusterError:
        if trouble := wait_until_struck(node):
            raise CommandFailed(
                f"{node.name} has not got its network back since an earlier run changed it: {trouble}"
            ) from None


def _is_armed(node: Node) -> bool:
    return bool({"active", "activating"} & set(node.read(_STATES).out.split()))
