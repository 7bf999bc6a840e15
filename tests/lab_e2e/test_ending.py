"""However a lab ends, nothing of it is left."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from lab.addresses import host_link
from lab.cgroups import NodeCgroups, cgroups_of, hierarchies
from lab.settings import read_settings
from tests.lab_e2e.conftest import Lab

pytestmark = pytest.mark.lab


def processes(lab: Lab) -> list[int]:
    """Processes whose command line names the lab's run directory: its supervisor, and what keeps each node up."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(lab.run.path) in line and int(file.parent.name) != os.getpid():
            found.append(int(file.parent.name))
    return found


def mounts(lab: Lab) -> list[str]:
    """Mounts of any process that name the run directory."""
    found = set()
    for file in Path("/proc").glob("[0-9]*/mounts"):
        try:
            found |= {line for line in file.read_text().splitlines() if str(lab.run.path) in line}
        except OSError:
            continue
    return sorted(found)


def network_namespaces(pids: Iterable[int | str]) -> set[int]:
    """The network namespaces that processes are in, but for our own."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.add(Path(f"/proc/{pid}/ns/net").stat().st_ino)
    return found - {Path("/proc/self/ns/net").stat().st_ino}


def control_groups(lab: Lab) -> list[Path]:
    return [top for one in hierarchies() if (top := one.mount / f"spark-runbook-{lab.run.mark}").exists()]


def test_the_kernel_takes_all_when_the_supervisor_is_killed_and_down_sweeps_the_rest(lab: Lab) -> None:
    link = host_link(read_settings(lab.run).network)
    supervisor = subprocess.run(
        ["pgrep", "--parent", lab.run.supervisor.read_text().strip()], capture_output=True, text=True, check=True
    )
    inside = network_namespaces(processes(lab))
    assert len(inside) == 3, "the supervisor and two nodes have one each"
    assert Path("/sys/class/net", link).exists()

    os.kill(int(supervisor.stdout), signal.SIGKILL)

    deadline = time.monotonic() + 10
    while (processes(lab) or Path("/sys/class/net", link).exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes(lab) == []
    assert mounts(lab) == []
    assert not inside & network_namespaces(path.name for path in Path("/proc").glob("[0-9]*"))
    assert not Path("/sys/class/net", link).exists()
    assert lab.command("inventory", fails=True).returncode == 2

    lab.command("down")
    assert control_groups(lab) == []
    assert not lab.run.path.exists()


@pytest.mark.parametrize("copying", [False, True])
def test_up_starts_afresh_on_what_a_killed_lab_left(lab: Lab, copying: bool) -> None:
    lab.command("up")
    lab.sh("spark-1", "touch /etc/witness")
    if copying:
        # As while a snapshot is taken; what is frozen cannot be ended.
        NodeCgroups(lab.run, "spark-1").freeze()
    os.kill(int(lab.run.supervisor.read_text()), signal.SIGKILL)
    lab.command("up")
    assert lab.sh("spark-1", "ls /etc/witness 2>/dev/null || echo gone") == "gone"


def pause(lab: Lab, unit: str) -> None:
    """Freeze a service of a node, as `docker pause` does a container."""
    services = [group for top in control_groups(lab) for group in top.rglob(f"{unit}.service")]
    service, process = next((one, pid) for one in services if (pid := (one / "cgroup.procs").read_text().strip()))
    for group in cgroups_of(int(process)):
        if (group / "freezer.state").exists():
            (group / "paused").mkdir()
            (group / "paused" / "cgroup.procs").write_text(process)
            (group / "paused" / "freezer.state").write_text("FROZEN")
            return
    (service / "cgroup.freeze").write_text("1")


def test_a_node_with_something_paused_is_switched_off_like_any(lab: Lab) -> None:
    lab.command("up")
    lab.sh("spark-1", "systemd-run --quiet --unit paused sleep 900")
    pause(lab, "paused")
    lab.command("power", "spark-1", "off")
    lab.command("power", "spark-1", "on")
    assert lab.sh("spark-1", "systemctl is-active paused || true") == "inactive"


def test_a_lab_whose_folder_somebody_removed_ends(lab: Lab) -> None:
    lab.command("up")
    link = host_link(read_settings(lab.run).network)
    shutil.rmtree(lab.run.path)
    deadline = time.monotonic() + 20
    while (processes(lab) or Path("/sys/class/net", link).exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes(lab) == []
    assert not Path("/sys/class/net", link).exists()
    lab.command("up")


def test_down_leaves_nothing_and_may_be_said_twice(lab: Lab) -> None:
    lab.command("up")
    link = host_link(read_settings(lab.run).network)
    NodeCgroups(lab.run, "spark-2").freeze()
    lab.command("down")
    assert (processes(lab), mounts(lab), control_groups(lab)) == ([], [], [])
    assert not Path("/sys/class/net", link).exists()
    assert not lab.run.path.exists()
    lab.command("down")
