"""The commands that ask for GPUs, run for real on this machine, with an nvidia-smi and an lspci put in the way."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from cluster.errors import UnknownFact
from cluster.facts.base import Reading
from cluster.facts.gpu import ANSWERS, GpuFacts
from cluster.facts.xid import COMMAND, parse_xids
from tests.cluster.nodes import this_cluster
from tests.gpu_answers import BUS, H100, PLACE, UUID

SMI = f"""#!/bin/sh
case "$*" in
  -L) cat {H100}/nvidia-smi-L.txt ;;
  "-q -x") cat {H100}/nvidia-smi-q-x-idle.xml ;;
  *) exit 2 ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first when a program is looked for."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


def asked() -> GpuFacts:
    return this_cluster().manager.gpu


def test_nvidia_smi_is_heard_without_the_serial_numbers_that_are_nobodys_business(tools: Path) -> None:
    put(tools, "nvidia-smi", SMI)
    facts = asked()
    assert (facts.health, facts.gpus[0].uuid) == (ANSWERS, UUID)
    assert "serial>" in (H100 / "nvidia-smi-q-x-idle.xml").read_text()
    assert "serial>" not in facts.readings["smi"].out


def test_an_nvidia_smi_that_fails_is_quoted(tools: Path) -> None:
    put(tools, "nvidia-smi", "#!/bin/sh\necho 'Failed to initialize NVML: Unknown Error' >&2\nexit 255\n")
    assert asked().health == "Failed to initialize NVML: Unknown Error"


def test_lspci_is_asked_where_there_is_one(tools: Path) -> None:
    put(tools, "nvidia-smi", SMI)
    put(tools, "lspci", f"#!/bin/sh\ntest \"$*\" = '-Dnk -d 10de:' && printf '{BUS}'\n")
    facts = asked()
    assert facts.on_bus == facts.served == (PLACE,)


def test_every_other_question_is_answered_on_any_linux_machine() -> None:
    facts = asked()
    assert facts.users[os.getpid()]
    assert facts.memory["MemTotal"] >= facts.memory["MemAvailable"] > 0
    assert facts.in_container in (True, False)
    assert isinstance(facts.bus, tuple)
    assert isinstance(facts.libraries, dict)


def test_a_log_that_tells_nothing_of_gpus_is_read_as_that(tools: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the kernel's log may be root's to read")
    put(tools, "dmesg", "#!/bin/sh\necho '[    1.000000] Linux version 6'\n")
    assert asked().xids == ()


def test_an_xid_is_not_crowded_out_by_another_that_repeats_itself(tools: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the kernel's log may be root's to read")
    lost = "NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen off the bus."
    fault = "NVRM: Xid (PCI:0000:00:06): 13, pid=7, Graphics Exception"
    log = f"echo '[ 0.5] {lost}'; for second in $(seq 1000); do echo \"[ $second.0] {fault}\"; done"
    put(tools, "dmesg", f"#!/bin/sh\n{log}\n")
    kept = asked().readings["xids"].out.splitlines()[1:]
    assert kept == [f"[ 0.5] {lost}", f"[ 1000.0] {fault}"]
    put(tools, "dmesg", f"#!/bin/sh\necho '[ 1.0] NVRM: Xid of a GPU: 79'; {log}\n")
    with pytest.raises(UnknownFact, match="no XID as the driver writes them"):
        print(asked().xids)


def test_an_xid_is_as_old_as_the_kernels_log_says_also_where_the_machine_was_suspended(tools: Path) -> None:
    # Where a machine comes back from a suspend, /proc/uptime is ahead of its log.
    suspended = ["unshare", "--fork", "--time", "--boottime", "86400"]
    if subprocess.run([*suspended, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("a clock of its own is root's to give, by a kernel that has time namespaces")
    stamp = f"[{time.monotonic() - 10:12.6f}]"
    put(tools, "dmesg", f"#!/bin/sh\necho '{stamp} NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen off the bus.'\n")
    said = subprocess.run([*suspended, "sh", "-c", COMMAND], check=True, capture_output=True, text=True)
    (told,) = parse_xids(Reading(COMMAND, 0, said.stdout, said.stderr))
    assert 10 <= told.age_s < 60
