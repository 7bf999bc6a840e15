"""A lab on real GPUs: which GPU goes to which node, and what of the driver goes with it."""

import json
import os
from pathlib import Path

import pytest

from lab import gpus
from lab.__main__ import main
from lab.cuda_torch import require_cuda
from lab.errors import LabError
from lab.gpus import copy_driver, driver_version, hardware, real_gpus, require_gpus
from lab.provision import STANDINS, Identity, provision
from lab.settings import Shape
from lab.standins.hardware import parse
from lab.standins.lspci import answer
from lab.standins.real_gpu import with_devices

INFORMATION = """\
Model: \t\t NVIDIA H100 80GB HBM3
IRQ:   \t\t 41
GPU UUID: \t GPU-{number}85ee4a4-03a3-cbd7-6150-41608e429d24
Video BIOS: \t 96.00.da.00.0c
Bus Location: \t 0000:0{place}:06.0
Device Minor: \t {number}
GPU Excluded:\t No
"""
VERSION = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (builder@host)
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14+deb12u1)
"""


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """A driver with two GPUs, the first of them in the later slot."""
    folder = tmp_path / "proc"
    for number, place in ((0, 2), (1, 1)):
        gpu = folder / f"gpus/0000:0{place}:06.0"
        gpu.mkdir(parents=True)
        (gpu / "information").write_text(INFORMATION.format(number=number, place=place))
    (folder / "version").write_text(VERSION)
    (folder / "params").write_text("ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 1\nDeviceFileUID: 0\n")
    return folder


def test_gpus_come_in_the_order_of_their_devices(driver: Path) -> None:
    assert [(gpu.minor, gpu.bus_id) for gpu in real_gpus(driver)] == [(0, "00000000:02:06.0"), (1, "00000000:01:06.0")]


def test_more_nodes_than_gpus_are_refused(driver: Path) -> None:
    require_gpus(2, driver)
    with pytest.raises(LabError, match=r"this machine has 2: ask for --nodes 2\."):
        require_gpus(3, driver)


def test_a_machine_without_a_driver_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="NVIDIA's driver is not loaded"):
        require_gpus(1, tmp_path)


@pytest.mark.parametrize(
    "text", [VERSION, "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Tue May 27 02:56:05 UTC 2025\n"]
)
def test_both_kinds_of_kernel_module_tell_their_version(driver: Path, text: str) -> None:
    (driver / "version").write_text(text)
    assert driver_version(driver) == "580.159.04"


def test_the_remaining_stand_ins_know_the_real_gpu(driver: Path) -> None:
    own = hardware(json.loads((STANDINS / "hardware.json").read_text()), real_gpus(driver)[1], driver)
    known = parse(own)
    assert (known.gpus[0].uuid, known.driver.version) == ("GPU-185ee4a4-03a3-cbd7-6150-41608e429d24", "580.159.04")
    assert "0000:01:06.0" in answer([], known)
    assert known.gpus[0].devices[0] == "/dev/nvidia1"


def test_a_node_mounts_what_cuda_loads_and_makes_no_devices(
    driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tmp_path / "lib"
    libraries.mkdir()
    for name in ("libcuda.so.580.159.04", "libcuda.so.1", "libcuda.so.550.1", "libnvidia-glcore.so.580.159.04"):
        (libraries / name).write_text(name)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpus, "_library_folder", lambda: libraries)
    copy_driver(copied := tmp_path / "driver", driver)
    assert {path.name for path in (copied / "lib64").iterdir()} == {"libcuda.so.580.159.04", "libcuda.so.1"}
    assert "ModifyDeviceFiles: 0" in (copied / "params").read_text()

    root = tmp_path / "root"
    for place in ("etc/systemd/system/sysinit.target.wants", "home/nvidia", "usr/lib/x86_64-linux-gnu", "usr/bin"):
        (root / place).mkdir(parents=True)
    monkeypatch.setattr("lab.provision.platform.machine", lambda: "x86_64")
    monkeypatch.setattr("lab.provision.os.chown", lambda *_: None)
    monkeypatch.setattr("lab.provision.gpus.driver_version", lambda *_: "580.159.04")
    provision(root, Identity("spark-1", "10.77.0.11", "key", "public", real_gpus(driver)[0]), copied)
    assert (root / "usr/bin/nvidia-smi").readlink() == Path("/usr/local/nvidia/bin/nvidia-smi")
    library = root / "usr/lib/x86_64-linux-gnu/libcuda.so.1"
    assert library.readlink() == Path("/usr/local/nvidia/lib64/libcuda.so.1")


def test_simulated_gpus_have_the_driver_that_the_kernel_has_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("etc/systemd/system/sysinit.target.wants", "home/nvidia", "usr/bin"):
        (tmp_path / "root" / place).mkdir(parents=True)
    (tmp_path / "version").write_text("580.159.04\n")
    monkeypatch.setattr("lab.provision.os.chown", lambda *_: None)
    monkeypatch.setattr("lab.provision.gpus.LOADED", tmp_path / "version")
    provision(tmp_path / "root", Identity("spark-1", "10.77.0.11", "key", "public", None), tmp_path)
    state = json.loads((tmp_path / "root/var/lib/spark-lab/hardware.json").read_text())
    assert state["driver"]["version"] == "580.159.04"


def test_a_container_gets_its_devices_and_is_let_through_to_them() -> None:
    before = {"mounts": [{"destination": "/proc"}], "linux": {"resources": {"devices": [{"allow": False}]}, "uid": 1}}
    after = with_devices(before, ["/dev/null"])
    number = Path("/dev/null").stat().st_rdev
    assert after["linux"]["devices"] == [
        {"path": "/dev/null", "type": "c", "major": os.major(number), "minor": os.minor(number), "fileMode": 0o666}
    ]
    denied, allowed = after["linux"]["resources"]["devices"]
    assert denied == {"allow": False}
    assert (allowed["allow"], allowed["major"], allowed["access"]) == (True, os.major(number), "rwm")
    assert after["linux"]["uid"] == 1
    assert [mount["destination"] for mount in after["mounts"]] == ["/proc", "/usr/local/nvidia"]


def test_a_cpu_build_of_torch_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/version.py").write_text("cuda: Optional[str] = '13.0'\n")
    require_cuda(tmp_path)
    (tmp_path / "torch/version.py").write_text("cuda: Optional[str] = None\n")
    with pytest.raises(LabError, match="is a build for CPUs"):
        require_cuda(tmp_path)


def test_light_nodes_have_no_gpus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["up", "--light", "--gpus", "real"]) == 2
    assert "leave out --light or --gpus real" in capsys.readouterr().err


def test_a_shape_is_told_in_words() -> None:
    told = [str(Shape(1, False, "real")), str(Shape(2, False, "real")), str(Shape(32, True, "simulated"))]
    assert told == ["1 node with a real GPU", "2 nodes with a real GPU each", "32 light nodes"]
