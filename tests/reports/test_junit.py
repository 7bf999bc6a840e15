"""junit.xml counts right and carries the remedy."""

import re
from collections import Counter
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from reports.junit import MOST_TOLD, to_junit
from reports.model import Report
from tests.reports import pieces, samples
from tests.reports.pieces import Json

Read = Callable[[Json], Report]


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(to_junit(report))  # noqa: S314 - made in this test


def case(root: ET.Element, name: str) -> ET.Element:
    (found,) = [element for element in root.iter("testcase") if element.get("name") == name]
    return found


def properties(element: ET.Element) -> dict[str, str]:
    return {found.get("name", ""): found.get("value", "") for found in element.iterfind("properties/property")}


@pytest.mark.parametrize("sample", [samples.healthy, samples.broken, samples.hostile, samples.large])
def test_the_counts_are_those_of_the_cases(read: Read, sample: Callable[[], Json]) -> None:
    root = parsed(read(sample()))
    for level in [root, *root.iter("testsuite")]:
        tags = Counter(child.tag for found in level.iter("testcase") for child in found)
        counts = {
            "tests": len(list(level.iter("testcase"))),
            "failures": tags["failure"],
            "errors": tags["error"],
            "skipped": tags["skipped"],
        }
        assert {name: int(level.get(name, "-1")) for name in counts if name in level.attrib} == {
            name: number for name, number in counts.items() if level is not root or name != "skipped"
        }


def test_each_outcome_has_its_place_in_junit(read: Read) -> None:
    root = parsed(read(samples.broken()))
    placed = {
        (properties(found)["outcome"], next((c.tag for c in found if c.tag in {"failure", "error", "skipped"}), None))
        for found in root.iter("testcase")
    }
    assert placed == {
        ("passed", None),
        ("fixed", None),
        ("failed", "failure"),
        ("would_fix", "failure"),
        ("fix_failed", "failure"),
        ("unknown", "error"),
        ("skipped", "skipped"),
        ("blocked", "skipped"),
    }


def test_there_is_a_suite_for_each_step_that_was_run(read: Read) -> None:
    suites = [suite.get("name", "") for suite in parsed(read(samples.broken())).iter("testsuite")]
    assert [name[:2] for name in suites] == ["01", "02", "04", "05", "06", "07", "10"]
    assert suites[3] == "05 Initialize Docker Swarm"


def test_a_case_names_its_step_node_cause_and_remedy(read: Read) -> None:
    found = case(parsed(read(samples.broken())), "gpu.advertised[spark-2]")
    told = properties(found)
    assert (found.get("classname"), found.get("time")) == ("runbook.04 Enable resource advertising", "0.100")
    assert (told["id"], told["node"], told["outcome"]) == ("gpu.advertised", "spark-2", "failed")
    assert told["remedy"] == "pytest runbook --fix --allow restart-docker"
    failure = found.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("failed", f"failed: {told['cause']}")
    assert "found: GPU-00000000-0000-0000-0000-000000000000" in (failure.text or "")


def test_a_check_of_the_cluster_is_named_so(read: Read) -> None:
    assert properties(case(parsed(read(samples.broken())), "network.mtu[cluster]"))["node"] == "cluster"


def test_evidence_is_kept_with_its_exit_status(read: Read) -> None:
    found = case(parsed(read(samples.broken())), "gpu.advertised[spark-2]").findtext("system-out") or ""
    assert "$ nvidia-smi -L\nGPU 0: NVIDIA GB10 (UUID: GPU-45cbf7b3-f919)\n\n[exit 0]" in found


def test_the_run_says_in_every_suite_what_was_simulated(read: Read) -> None:
    for suite in parsed(read(samples.broken())).iter("testsuite"):
        values = [found.get("value") for found in suite.iterfind("properties/property")]
        assert "GPU: GB10 stand-in, no CUDA" in values
        assert "NOT READY" in values
        assert suite.get("timestamp") == "2026-11-23T18:45:01"


ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "id", "package"},
    "testcase": {"name", "time", "classname"},
    "property": {"name", "value"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "testcase": {"properties", "skipped", "error", "failure", "system-out"},
    "properties": {"property"},
}
"""What Jenkins' schema allows of what we write, and a case's properties."""


@pytest.mark.parametrize("sample", [samples.healthy, samples.broken, samples.hostile, samples.large])
def test_elements_attributes_and_times_are_those_that_jenkins_allows(read: Read, sample: Callable[[], Json]) -> None:
    for element in parsed(read(sample())).iter():
        assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set())
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        assert re.fullmatch(r"\d+\.\d{3}", element.get("time", "0.000"))


def test_no_two_cases_have_one_name_in_one_class(read: Read) -> None:
    cases = [(found.get("classname"), found.get("name")) for found in parsed(read(samples.large())).iter("testcase")]
    assert len(set(cases)) == len(cases)


def test_a_threshold_is_told_with_its_source_and_margin(read: Read) -> None:
    told = properties(case(parsed(read(samples.broken())), "fabric.collective[cluster]"))
    assert told["threshold"] == "at least 21.875 GB/s on the bus, 3.675 too little (NVIDIA)"
    assert told["warning"].startswith("TCP was used")


def test_hostile_text_comes_out_as_text(read: Read) -> None:
    root = parsed(read(samples.hostile()))
    known = {"testsuites", "testsuite", "testcase", "properties", "property", "failure", "error", "skipped"}
    assert {element.tag for element in root.iter()} == known | {"system-out"}
    assert any("<script>alert(1)</script>" in (element.text or "") for element in root.iter("failure"))


def test_eight_nodes_with_all_checks_make_less_than_a_megabyte(read: Read) -> None:
    assert len(to_junit(read(samples.large())).encode()) < 1_000_000


def test_the_verdict_of_a_part_stays_the_word_that_tools_know(read: Read) -> None:
    content = samples.healthy()
    content["run"]["whole"] = False
    suite = next(parsed(read(content)).iter("testsuite"))
    assert properties(suite)["verdict"] == "READY"
    assert properties(suite)["whole"].startswith("no")


def test_where_enough_nodes_are_ready_what_is_wrong_elsewhere_closes_no_gate(read: Read) -> None:
    content = samples.broken()
    content["run"] |= {"min_ready": 1, "nodes_ready": 1, "ready": True}
    root = parsed(read(content))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    found = case(root, "gpu.advertised[spark-2]")
    skipped = found.find("skipped")
    assert skipped is not None
    assert (skipped.get("message") or "").startswith("spared, since 1 ready node had to be: failed: daemon.json on")
    assert properties(found)["outcome"] == "failed"
    content["run"] |= {"ready": False}
    assert parsed(read(content)).get("failures") == "3"


def test_of_very_many_cases_those_that_passed_are_told_by_their_name_alone(read: Read) -> None:
    content = samples.broken()
    passed = [pieces.a_check(f"docker.usable_{number}", 2, "spark-1") for number in range(MOST_TOLD)]
    root = parsed(read(content | {"checks": content["checks"] + passed}))
    assert len(case(root, "docker.usable_0[spark-1]")) == 0
    assert case(root, "docker.usable[spark-2]").findtext("system-out")
    assert "warning" in properties(case(root, "fabric.collective[cluster]"))
    assert properties(case(root, "gpu.advertised[spark-2]"))["outcome"] == "failed"


def test_a_run_without_checks_is_an_empty_file_of_suites(read: Read) -> None:
    root = parsed(read(pieces.a_report([])))
    assert (root.get("tests"), len(root)) == ("0", 0)
