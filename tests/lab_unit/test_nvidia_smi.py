"""nvidia-smi's stand-in against lines that GB10 and H100 machines printed."""

import xml.etree.ElementTree as Xml

import pytest

from lab.standins.nvidia_smi import answer
from lab.standins.nvidia_smi_table import RULE
from tests.lab_unit.hardware_sample import UUID, hardware

FIELDS = "index,name,uuid,pci.bus_id,memory.total,driver_version,power.limit"


def test_a_listing_is_the_line_of_a_real_gb10() -> None:
    assert answer(["-L"], hardware()) == (f"GPU 0: NVIDIA GB10 (UUID: {UUID})", 0)


def test_a_query_is_the_line_of_a_real_gb10() -> None:
    text, status = answer([f"--query-gpu={FIELDS}", "--format=csv,noheader"], hardware())
    assert status == 0
    assert text == f"0, NVIDIA GB10, {UUID}, 0000000F:01:00.0, [N/A], 580.178.04, [N/A]"


def test_a_query_with_a_header_names_units_as_the_real_one_does() -> None:
    text, _ = answer(["--query-gpu=index,memory.total,temperature.gpu,utilization.gpu", "--format=csv"], hardware())
    assert text.splitlines() == ["index, memory.total [MiB], temperature.gpu, utilization.gpu [%]", "0, [N/A], 33, 0 %"]


def test_units_are_left_out_on_request() -> None:
    text, _ = answer(["--query-gpu=power.draw", "--format=csv,noheader,nounits"], hardware())
    assert text == "4.15"


def test_an_unknown_field_is_refused() -> None:
    text, status = answer(["--query-gpu=nonsense", "--format=csv"], hardware())
    assert (status, text) == (2, 'Field "nonsense" is not a valid field to query.\n')


def test_the_table_has_the_two_lines_of_a_real_gb10() -> None:
    text, _ = answer([], hardware())
    lines = text.splitlines()
    assert "|   0  NVIDIA GB10                    On  |   0000000F:01:00.0 Off |                  N/A |" in lines
    assert "| N/A   33C    P8              4W /  N/A  | Not Supported          |      0%      Default |" in lines


def test_every_line_of_the_table_is_as_wide_as_its_rule() -> None:
    text, _ = answer([], hardware())
    assert {len(line) for line in text.splitlines()[1:] if line} == {len(RULE)}


@pytest.mark.parametrize("option", ["-q", "-a"])
def test_the_log_has_one_line_that_says_gpu_uuid(option: str) -> None:
    text, _ = answer([option], hardware())
    assert [line for line in text.splitlines() if "GPU UUID" in line] == [
        f"    GPU UUID                                           : {UUID}"
    ]


def test_a_gpu_that_fell_off_the_bus_is_named_by_its_place() -> None:
    text, status = answer(["-L"], hardware(gpu={"state": "lost"}))
    assert status == 15
    assert "0000000F:01:00.0: GPU is lost" in text


def test_a_driver_updated_without_a_reboot_fails_to_initialize() -> None:
    text, status = answer(["-L"], hardware(driver={"state": "mismatch"}))
    assert status == 18
    assert text.splitlines() == [
        "Failed to initialize NVML: Driver/library version mismatch",
        "NVML library version: 580.178",
    ]


def test_a_driver_that_is_not_loaded_cannot_be_talked_to() -> None:
    text, status = answer([], hardware(driver={"state": "unloaded"}))
    assert status == 9
    assert "couldn't communicate with the NVIDIA driver" in text


def test_an_unknown_option_is_refused() -> None:
    assert answer(["--frobnicate"], hardware())[1] == 2


def log_of(gpu: dict[str, object]) -> Xml.Element:
    text, status = answer(["-q", "-x"], hardware(gpu=gpu))
    assert status == 0
    return Xml.fromstring(text)  # noqa: S314 - our own


def test_the_xml_says_what_the_state_file_makes_it_say() -> None:
    log = log_of({"says": {"compute_mode": "Prohibited"}})
    assert (log.findtext("gpu/uuid"), log.findtext("gpu/compute_mode")) == (UUID, "Prohibited")
    assert log.findtext("gpu/fb_memory_usage/total") == "N/A"


def test_the_xml_lists_processes_and_leaves_out_a_gpu_that_nvidia_smi_does_not_see() -> None:
    process = {"pid": "41", "type": "C", "process_name": "python3", "used_memory": "517 MiB"}
    assert log_of({"processes": [process]}).findtext("gpu/processes/process_info/pid") == "41"
    assert log_of({"state": "unseen"}).findall("gpu") == []


def test_a_listing_names_mig_devices_under_their_gpu() -> None:
    text, _ = answer(["-L"], hardware(gpu={"mig": ["MIG-1"]}))
    assert text.splitlines()[1:] == ["  MIG 1g.10gb     Device  0: (UUID: MIG-1)"]
