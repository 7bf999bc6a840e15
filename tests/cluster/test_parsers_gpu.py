"""What nvidia-smi, lspci, the kernel's log and the driver say of GPUs is understood, on an H100 and on a GB10."""

import pytest

from cluster.facts.base import ParseError, Reading
from cluster.facts.gpu import ANSWERS, HANGS, MISSING, OnBus, _memory, _users, _versions, parse_bus, parse_smi
from cluster.facts.smi import Gpu, Link, Process
from cluster.facts.xid import parse_xids
from tests.gpu_answers import BUS, LIBRARIES, LOG, MEMORY, PLACE, UUID, broken, smi, smi_of_spark, smi_of_sparks


def said(out: str, *, exit_status: int = 0) -> Reading:
    return Reading("command", exit_status, out, "")


def gpu(out: str) -> Gpu:
    found = parse_smi(said(out))
    assert found.health == ANSWERS
    return found.gpus[0]


def test_an_idle_h100() -> None:
    one = gpu(smi())
    assert (one.name, one.uuid, one.bus_id) == ("NVIDIA H100 80GB HBM3", UUID, "00000000:00:06.0")
    assert (one.driver, one.temperature_c, one.power_limit_w) == ("580.159.04", 48.0, 700.0)
    assert (one.memory_total_mib, one.memory_used_mib, one.unified) == (81559.0, 0.0, False)
    assert (one.ecc_uncorrected, one.slowdowns, one.processes, one.fabric) == (0, (), (), None)
    assert (one.link, one.link.percent) == (Link(5.0, 5.0, 16.0, 16.0), 100.0)


def test_an_h100_under_load_names_its_process_and_its_clock_and_takes_no_harm_from_its_power_cap() -> None:
    one = gpu(smi("under-load"))
    assert (one.clock_mhz, one.clock_max_mhz, one.power_w) == (1380.0, 1980.0, 708.66)
    assert one.processes == (Process(543, "C", "python3", 1316.0),)
    assert one.slowdowns == ()


def test_a_gb10_has_no_figures_of_memory_power_and_ecc_and_that_is_no_error() -> None:
    one = gpu(smi_of_spark())
    assert (one.name, one.temperature_c, one.unified) == ("NVIDIA GB10", 33.0, True)
    assert (one.memory_total_mib, one.power_limit_w, one.ecc_uncorrected) == (None, None, None)
    assert not one.remap_pending
    assert not one.remap_failed


def test_two_gpus_are_two() -> None:
    found = parse_smi(said(smi_of_sparks("GPU-1", "GPU-2"))).gpus
    assert [(one.index, one.uuid, one.bus_id) for one in found] == [
        (0, "GPU-1", "00000000:01:00.0"),
        (1, "GPU-2", "00000001:01:00.0"),
    ]


def test_mig_devices_go_to_the_gpu_they_are_listed_under() -> None:
    listing = "  MIG 1g.10gb     Device  0: (UUID: MIG-a)\n  MIG 1g.10gb     Device  1: (UUID: MIG-b)\n"
    one = gpu(smi(listing=listing, current_mig="Enabled"))
    assert (one.mig, one.mig_uuids) == (True, ("MIG-a", "MIG-b"))


def test_an_older_driver_has_other_names_for_the_same() -> None:
    old = smi(hw_slowdown="Active").replace("clocks_event_reason", "clocks_throttle_reason")
    old = old.replace("gpu_power_readings", "power_readings").replace("current_power_limit", "power_limit")
    one = gpu(old.replace("average_power_draw", "power_draw"))
    assert one.slowdowns == ("slowed down by hardware",)
    assert (one.power_limit_w, one.power_w) == (700.0, 120.29)


def test_a_gpu_that_is_lost_is_kept_as_that() -> None:
    lost = gpu(smi(product_name="GPU is lost", uuid="GPU is lost"))
    assert lost.lost == "GPU is lost"


@pytest.mark.parametrize(
    ("out", "health"),
    [
        (broken("timeout: failed to run command 'nvidia-smi': No such file or directory", 127), MISSING),
        (broken("", 124), HANGS),
        (broken("GPU 0: NVIDIA GB10 (UUID: GPU-1)", 137), HANGS),
        (broken("No devices were found", 6), "No devices were found"),
        (broken("No devices were found", 0), "No devices were found"),
        (broken("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.178", 18),
         "Failed to initialize NVML: Driver/library version mismatch"),
        (broken("GPU 0: NVIDIA RTX A6000 (UUID: GPU-1)\n  MIG 1g.10gb     Device  0: (UUID: MIG-a)\n"
                "Unable to determine the device handle for gpu 0000:81:00.0: GPU is lost.", 15),
         "Unable to determine the device handle for gpu 0000:81:00.0: GPU is lost."),
        (broken("GPU 0: NVIDIA GB10 (UUID: GPU-1)", 15), "exit 15"),
        (broken("", 255), "exit 255"),
    ],
)  # fmt: skip
def test_why_it_does_not_answer(out: str, health: str) -> None:
    found = parse_smi(said(out))
    assert (found.health, found.gpus) == (health, ())


@pytest.mark.parametrize(
    "out",
    [
        "",
        "GPU 0: NVIDIA GB10 (UUID: GPU-1)\n",
        broken("<?xml version='1.0'?><other/>", 0),
        broken("<?xml version='1.0'?><nvidia_smi_log>", 0),
        broken("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><nvidia_smi_log/>", 0),
        smi(uuid="nonsense"),
    ],
)
def test_what_is_no_answer_of_nvidia_smi_is_unknown(out: str) -> None:
    with pytest.raises(ParseError):
        parse_smi(said(out))


@pytest.mark.parametrize(
    ("link", "percent"),
    [(Link(1, 5, 16, 16), 6.2), (Link(5, 5, 8, 16), 50.0), (Link(3, 4, 4, 16), 12.5), (Link(None, 5, 16, 16), None)],
)
def test_a_links_share_is_that_of_its_lanes_and_of_its_generation(link: Link, percent: float | None) -> None:
    assert link.percent == percent


def test_display_controllers_of_nvidia_are_gpus_and_its_bridges_and_sound_are_none() -> None:
    others = "0004:00:00.0 0604: 10de:22ce (rev 01)\n\tKernel driver in use: pcieport\n000f:01:00.1 0403: 10de:1234\n"
    spark = "000f:01:00.0 0300: 10de:2e12 (rev ff)\n"
    assert parse_bus(said(others + BUS + spark)) == (
        OnBus(PLACE, "nvidia", gone=False),
        OnBus("000f:01:00.0", None, gone=True),
    )


def test_xids_of_the_last_two_hours_count_each_once() -> None:
    log = (
        "9000.5\n"
        "[  100.000000] NVRM: Xid (PCI:0000:00:06): 48, pid=1, an old one\n"
        "[ 8400.500000] NVRM: Xid (PCI:0000:00:06): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n"
        "[ 8990.500000][  T1234] NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen off the bus.\n"
        "[ 8999.000000] NVRM: Xid (0000:00:07): 31, pid=7, name=python3, MMU Fault\n"
    )
    assert [(one.code, one.place, one.age_s) for one in parse_xids(said(log))] == [
        (79, "0000:00:06", 10.0),
        (31, "0000:00:07", 1.5),
    ]


def test_an_xid_in_words_that_nobody_knows_is_not_taken_for_none() -> None:
    with pytest.raises(ParseError, match="no XID as the driver writes them"):
        parse_xids(said("9000.5\n<4>Nov 28 NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen off the bus.\n"))


def test_what_the_driver_says_when_all_is_well_is_no_xid() -> None:
    assert "NVRM" in LOG
    assert parse_xids(said(f"24.45\n{LOG}")) == ()


def test_versions_of_libraries_are_those_of_the_driver_alone() -> None:
    assert _versions(said(LIBRARIES)) == {"libcuda": "580.159.04", "libnvidia-ml": "580.159.04"}
    others = "/usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1.1\n/usr/local/cuda/compat/libcuda.so.590.10\n"
    assert _versions(said(others)) == {}


def test_users_and_memory() -> None:
    assert _users(said("    1 root\n  595 nvidia\n")) == {1: "root", 595: "nvidia"}
    assert round(_memory(said(MEMORY))["MemAvailable"]) == 125977
    with pytest.raises(ParseError):
        _memory(said("MemTotal: 5 kB\n"))
