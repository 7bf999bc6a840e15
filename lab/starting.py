"""Starting a lab."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from lab import gpus, host, links, places
from lab.addresses import MOST_NODES, free_network
from lab.control import SOCKET, ask, supervisor_pid
from lab.cuda_torch import require_cuda
from lab.ending import BUSY, end, require_ours, sweep
from lab.errors import LabError
from lab.image import training_image
from lab.keys import make_keys
from lab.places import RunDir
from lab.progress import step
from lab.readiness import wait_docker, wait_ssh
from lab.settings import Settings, Shape, read_settings, write_settings
from lab.training_packages import training_packages
from lab.tree import node_tree

NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
SET_UP = 60.0
"""Seconds the supervisor gets to make nodes and cables before it must listen."""


def up(run: RunDir, shape: Shape) -> None:
    """Start a lab and wait until its nodes answer; a lab of the same shape that runs already is left as it is.

    Raises:
        LabError: if it cannot start here, a lab of another shape runs, or a node does not answer.
    """
    if not 1 <= shape.nodes <= MOST_NODES:
        raise LabError(f"A lab has 1 to {MOST_NODES} nodes, not {shape.nodes}.")
    if shape.gpus == "real":
        if shape.light:
            raise LabError("Light nodes run sshd alone and have no GPUs; leave out --light or --gpus real.")
        gpus.require_gpus(shape.nodes)
    host.require(run)
    require_ours(run)
    if not places.is_running(run):
        _start(run, shape)
    elif not run.settings.exists():
        raise LabError(BUSY.format(run.path))
    settings = read_settings(run)
    if settings.shape != shape:
        raise LabError(
            f"A lab of {settings.shape} is running in {run.path}; take it down first (python -m lab down), or set"
            " SPARK_RUNBOOK_LAB to a directory for a second one."
        )
    if run.ready.exists():
        print("The lab is running already.")
    else:
        _boot(run, settings)
    _tell(settings)


def build(*, light: bool = False) -> dict[str, str]:
    """Build what nodes are made of, unless the cache has it.

    Returns:
        Paths of the tree, the image archive and the training packages, by the settings' names.
    """
    # Light nodes run no containers; their settings name nothing that is not there.
    return {
        "tree": str(node_tree()),
        "archive": "" if light else str(training_image()),
        "packages": "" if light else str(training_packages()),
    }


def _start(run: RunDir, shape: Shape) -> None:
    """Start the supervisor, with all nodes off, and join the host to its management network."""
    built = build(light=shape.light)
    if shape.gpus == "real":
        require_cuda(Path(built["packages"]))
    run.path.mkdir(parents=True, exist_ok=True)
    lock = places.lock(run.path, wait=False)
    # One lab at a time chooses its network, or two would choose the same.
    choosing = places.lock(places.cache_dir(), wait=True)
    if lock is None or choosing is None:
        raise LabError(BUSY.format(run.path))
    try:
        sweep(run)
        network = free_network(links.routed_networks())
        settings = Settings(shape.nodes, shape.light, network, **built, gpus=shape.gpus)
        write_settings(run, settings)
        make_keys(run, settings)
        if shape.gpus == "real":
            gpus.copy_driver(run.driver)
        # The supervisor inherits the lock and holds it for as long as it lives.
        process = _spawn(run, lock)
    finally:
        os.close(lock)
    try:
        _await_socket(run, process)
        links.connect_host(settings.network, supervisor_pid(run))
        ask(run, "attach_host")
    except BaseException:
        end(run)
        raise
    finally:
        os.close(choosing)


def _spawn(run: RunDir, lock: int) -> subprocess.Popen[bytes]:
    command = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
    with run.log.open("wb") as log:
        process = subprocess.Popen(
            [*command, sys.executable, "-m", "lab.supervisor", str(run.path)],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,
        )
    run.supervisor.write_text(f"{process.pid}\n")
    return process


def _await_socket(run: RunDir, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SET_UP
    while not (run.path / SOCKET).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = run.log.read_text().strip().splitlines() or ["it said nothing"]
            raise LabError(f"The lab's supervisor did not start: {said[-1]}")
        time.sleep(0.05)


def _boot(run: RunDir, settings: Settings) -> None:
    title = f"Booting {settings.shape}"
    try:
        with step(title, "a few seconds a node") as work:
            ask(run, "boot", settings.names)
            wait_ssh(run, settings, settings.names)
            work.say("ssh answers everywhere")
            if not settings.light:
                wait_docker(run, settings.names)
    except BaseException:
        end(run)
        raise
    run.ready.touch()


def _tell(settings: Settings) -> None:
    for name in settings.names:
        print(f"{name}  {settings.address(name)}")
    selected = "".join(
        f"{name}={shlex.quote(os.environ[name])} "
        for name in ("SPARK_RUNBOOK_CACHE", "SPARK_RUNBOOK_LAB")
        if name in os.environ
    )
    print(f"Take it down: {selected}python -m lab down")
