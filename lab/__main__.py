"""The lab's command line: python -m lab COMMAND."""

import argparse
import re
import sys
from collections.abc import Sequence

from lab import ending, host, starting
from lab.control import ask
from lab.enter import replace_with
from lab.errors import LabError
from lab.faults import inject
from lab.faults.catalogue import find, table
from lab.inventory import running_inventory
from lab.places import RunDir, run_dir
from lab.readiness import wait_docker_settled, wait_ssh
from lab.settings import Shape, read_settings

DESCRIPTION = "A virtual cluster on this machine: real operating systems, simulated GPUs and cables."
HINTS = """\
examples:
  python -m lab up                                 boot two nodes; `pytest runbook --lab` then takes them
  python -m lab exec spark-1 -- docker node ls     run a command in a node
  python -m lab cut spark-2 enp1s0f1np1            pull a cable; heal puts it in again
  python -m lab fault inject ranks-both-zero       break something; `fault list` tells what there is
  python -m lab down                               leave nothing of it

SPARK_RUNBOOK_CACHE: where built trees and images are kept (default /var/cache/spark-runbook).
SPARK_RUNBOOK_LAB: the run directory of the lab meant (default: lab, in the cache).
"""


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="python -m lab",
        description=DESCRIPTION,
        epilog=HINTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("build", help="build what nodes are made of, without booting any")
    up = commands.add_parser("up", help="boot nodes and wait until they answer")
    up.add_argument("--nodes", type=int, default=2, metavar="N", help="how many (default 2)")
    up.add_argument("--light", action="store_true", help="nodes that run sshd alone, to test scale")
    up.add_argument(
        "--gpus",
        choices=("simulated", "real"),
        default="simulated",
        help="real: each node owns one of this machine's (default: stand-ins)",
    )
    commands.add_parser("inventory", help="print the inventory of the running lab")

    run = commands.add_parser("exec", help="run a command in a node, past ssh")
    run.add_argument("node", metavar="NODE")
    run.add_argument("--user", default="root", help="who runs it (default root)")
    run.add_argument("argv", nargs="+", metavar="CMD", help="the command, after --")

    power = commands.add_parser("power", help="pull a node's plug, or boot it again")
    power.add_argument("node", metavar="NODE")
    power.add_argument("state", choices=("off", "on"))

    for name, what in (("cut", "pull a cable out of a node's interface"), ("heal", "put a cable in")):
        cable = commands.add_parser(name, help=what)
        cable.add_argument("node", metavar="NODE")
        cable.add_argument("interface", metavar="IFACE")

    for name, what in (("save", "save all nodes' disks"), ("restore", "put saved disks back and boot from them")):
        snapshot = commands.add_parser(name, help=what)
        snapshot.add_argument("name", metavar="NAME", type=_snapshot_name)

    fault = commands.add_parser("fault", help="break something, by name, and put it back")
    deeds = fault.add_subparsers(dest="deed", required=True, metavar="DEED")
    deeds.add_parser("list", help="the faults, each with the check that has to name it")
    breaks = deeds.add_parser("inject", help="save the lab, then break it")
    breaks.add_argument("names", nargs="+", metavar="NAME", help="what `fault list` tells; several happen together")
    breaks.add_argument("--unsaved", action="store_true", help="save nothing, so that `clear` cannot put it back")
    deeds.add_parser("clear", help="put the lab back as it was before the fault")

    commands.add_parser("down", help="take the lab down: nothing of it is left")
    return top


def _snapshot_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", text):
        raise argparse.ArgumentTypeError("use letters, digits, - and _")
    return text


def _power(run: RunDir, node: str, state: str) -> None:
    settings = read_settings(run)
    settings.number(node)
    if state == "off":
        ask(run, "kill", [node])
    else:
        ask(run, "boot", [node])
        wait_ssh(run, settings, [node])


def _restore(run: RunDir, name: str) -> None:
    settings = read_settings(run)
    booted = ask(run, "restore", name)
    wait_ssh(run, settings, booted)
    if not settings.light:
        wait_docker_settled(run, booted)


def _fault(run: RunDir, arguments: argparse.Namespace) -> None:
    if arguments.deed == "inject":
        inject.inject(run, [find(name) for name in arguments.names], saves=not arguments.unsaved)
    else:
        inject.require_injected(run)
        _restore(run, inject.BEFORE)
        inject.forget(run)


def _obey(arguments: argparse.Namespace) -> None:
    run = run_dir()
    if arguments.command == "inventory":
        print(running_inventory(run), end="")
    elif arguments.command == "fault" and arguments.deed == "list":
        print(table())
    else:
        host.require_root()
        _change(run, arguments)


def _change(run: RunDir, arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "build":
            host.require(run)
            starting.build()
        case "up":
            starting.up(run, Shape(arguments.nodes, arguments.light, arguments.gpus))
        case "exec":
            replace_with(run, arguments.node, arguments.argv, arguments.user)
        case "power":
            _power(run, arguments.node, arguments.state)
        case "cut" | "heal":
            ask(run, "plug", arguments.node, arguments.interface, arguments.command == "heal")
        case "save":
            ask(run, "save", arguments.name)
        case "restore":
            _restore(run, arguments.name)
        case "fault":
            _fault(run, arguments)
        case "down":
            ending.end(run)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        _obey(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has had enough of it; what was asked is done.
        sys.stdout = None
        return 0
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
