"""The other stand-ins: ports, toolkit, kernel messages, PCI."""

import pytest

from lab.standins import dmesg, ethtool, ibdev2netdev, lspci
from lab.standins.hardware import Port, parse
from lab.standins.nvidia_ctk import configured
from tests.lab_unit.hardware_sample import hardware, state

REAL = "Settings for enp1s0f1np1:\n\tSpeed: 10000Mb/s\n\tDuplex: Full\n"


def test_a_ports_line_follows_its_interface() -> None:
    port = hardware().ports["enp1s0f1np1"]
    assert ibdev2netdev.line("enp1s0f1np1", port, "up") == "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)"
    assert ibdev2netdev.line("enp1s0f1np1", port, "lowerlayerdown") == "rocep1s0f1 port 1 ==> enp1s0f1np1 (Down)"


def test_a_ports_line_can_lie_when_the_state_file_says_so() -> None:
    assert ibdev2netdev.line("e", Port("r", 200000, 0, "Down"), "up").endswith("(Down)")


def test_ethtool_speaks_of_the_simulated_speed() -> None:
    assert "\tSpeed: 200000Mb/s\n\tDuplex" in ethtool.with_speed(REAL, 200000)
    assert "\tSpeed: Unknown!\n" in ethtool.with_speed(REAL, None)


def test_registering_the_runtime_keeps_what_else_is_configured() -> None:
    before = {"live-restore": True, "runtimes": {"other": {"path": "/bin/other"}}}
    assert configured(before, default=False) == {
        "live-restore": True,
        "runtimes": {"other": {"path": "/bin/other"}, "nvidia": {"args": [], "path": "nvidia-container-runtime"}},
    }


def test_the_runtime_becomes_the_default_only_on_request() -> None:
    assert "default-runtime" not in configured({}, default=False)
    assert configured({}, default=True)["default-runtime"] == "nvidia"


def test_an_xid_is_told_with_the_gpus_place() -> None:
    lines = dmesg.lines(hardware(gpu={"xid": ["79, GPU has fallen off the bus."]}), 5000.0)
    assert lines[-1] == "[ 5000.000000] NVRM: Xid (PCI:000f:01:00): 79, GPU has fallen off the bus."
    assert "Xid" not in "\n".join(dmesg.lines(hardware(), 5000.0))


def test_a_lost_gpu_answers_pci_reads_with_ones() -> None:
    assert "000f:01:00.0 3D controller: NVIDIA Corporation Device 2e12 (rev a1)" in lspci.lines(hardware())
    assert lspci.lines(hardware(gpu={"state": "lost"}))[-1].endswith("(rev ff)")


def test_lspci_tells_which_driver_holds_a_gpu() -> None:
    asked = ["-Dnk", "-d", "10de:"]
    assert lspci.answer(asked, hardware()).splitlines() == [
        "000f:01:00.0 0302: 10de:2e12 (rev a1)",
        "\tSubsystem: 10de:0000",
        "\tKernel driver in use: nvidia",
    ]
    assert lspci.answer(asked, hardware(driver={"state": "nouveau"})).endswith("nouveau")
    assert "driver" not in lspci.answer(asked, hardware(driver={"state": "missing"}))


def test_a_state_file_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        parse(state(gpu={"colour": "green"}))
