"""One node as its supervisor sees it: mounted, booted, killed."""

import os
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

from lab import boot, links
from lab.cgroups import NodeCgroups, cgroups_of, join
from lab.errors import LabError
from lab.places import RunDir
from lab.run import check
from lab.settings import Settings

GRACE = 10.0
"""Seconds a killed node gets until the last of its processes must be gone."""


class Node:
    """A node of a running lab; only the supervisor, in its own namespaces, has any."""

    def __init__(self, run: RunDir, settings: Settings, name: str) -> None:
        """Know the node; nothing is made yet."""
        self.name = name
        self.number = settings.number(name)
        self.files = run.node(name)
        self.cgroups = NodeCgroups(run, name)
        self._driver = run.driver
        self._settings = settings
        self._boots = 0
        self._process: subprocess.Popen[bytes] | None = None

    def mount(self) -> None:
        """Mount the node's overlay on the shared tree."""
        for directory in (self.files.merged, self.files.upper, self.files.work, self.files.docker):
            directory.mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={self._settings.tree},upperdir={self.files.upper},workdir={self.files.work}"
        check(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.files.merged)])

    def unmount(self) -> None:
        """Unmount the overlay of a node that is off."""
        check(["umount", str(self.files.merged)])
        shutil.rmtree(self.files.work)

    def boot(self) -> None:
        """Switch the node on; returns before it answers."""
        namespace = links.namespace(self.number, self._boots)
        if self._settings.light:
            address = self._settings.address(self.name)
            command, environment = boot.light(self.name, self.files, address, namespace)
        else:
            command, environment = boot.full(self.name, self.files, self._settings, namespace, self._driver)
        links.power_up(self.number, self._boots)
        groups = self.cgroups.make(self._boots)
        with self.files.console.open("ab") as console:
            # The supervisor has one thread, so code between fork and exec is safe.
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                preexec_fn=partial(join, groups),  # noqa: PLW1509
            )

    def kill(self) -> None:
        """Pull the plug: no process of the node gets to run another instruction.

        Raises:
            LabError: if something of it is still there after GRACE seconds.
        """
        if self._process is None:
            return
        if leader := self.leader():
            os.kill(leader, signal.SIGKILL)
        else:
            self._process.kill()
        self.cgroups.thaw_all()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._await_empty()
        self.ended()

    def ended(self) -> None:
        """Take note that the node is off, and make its interfaces anew for the next boot."""
        self._process = None
        links.power_down(self._settings.network, self.number, self._boots)
        self._boots += 1

    def exit_status(self) -> int | None:
        """The status of the boot command if it has ended by itself, else None."""
        return None if self._process is None else self._process.poll()

    @property
    def is_on(self) -> bool:
        """Whether the node is switched on."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The process that keeps the node up."""
        return None if self._process is None else self._process.pid

    def leader(self) -> int | None:
        """The process that is pid 1 inside the node, by its pid in this namespace; None before there is one."""
        if self._process is None:
            return None
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            except (FileNotFoundError, ProcessLookupError):
                continue
            # NSpid lists the pid in each namespace from ours inwards: two of them, the inner 1, is a node's init.
            if fields["PPid"] == str(self._process.pid) and fields["NSpid"].split()[1:] == ["1"]:
                return int(status.parent.name)
        return None

    def entry(self) -> tuple[int, list[str]]:
        """What a command needs to enter the node: its leader, and the control groups to join.

        Raises:
            LabError: if the node is off.
        """
        leader = self.leader()
        if leader is None:
            raise LabError(f"{self.name} is off; switch it on: python -m lab power {self.name} on")
        return leader, [str(path) for path in cgroups_of(leader)]

    def _await_empty(self) -> None:
        deadline = time.monotonic() + GRACE
        while self.cgroups.occupied():
            if time.monotonic() > deadline:
                raise LabError(f"Processes of {self.name} do not end; take the lab down: python -m lab down")
            time.sleep(0.02)
