"""The faults' own table: every one breaks something, and is to be named by a check that there is."""

import pytest

from engine.catalogue import checks_of, modules
from lab.__main__ import main
from lab.errors import LabError
from lab.faults.catalogue import FAULTS, find
from lab.faults.fault import FIX, PERSON, Fault

NODES = {"spark-1", "spark-2"}
EACH = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@pytest.fixture(scope="module")
def checks() -> dict[str, bool]:
    """All check ids, and whether each is judged per node."""
    return {check.id: check.per_node for check in checks_of(modules())}


@EACH
def test_fault_is_to_be_named_by_a_check_in_a_place_where_it_is_judged(fault: Fault, checks: dict[str, bool]) -> None:
    assert checks[fault.check] == (fault.node is not None)
    assert fault.node in {None, *NODES}
    assert set(fault.also) <= set(checks)


@EACH
def test_fault_breaks_something_and_somebody_repairs_it(fault: Fault) -> None:
    assert fault.breaks or fault.pulled or fault.off
    assert {*fault.breaks, *fault.off, *(node for node, _ in fault.pulled)} <= NODES
    assert fault.repaired_by in (FIX, PERSON)
    assert fault.repaired_by == FIX or not fault.allow
    assert fault.cause, "a fault is named in words"


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 45


def test_list_tells_each_with_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in told] == [[fault.name, fault.check] for fault in FAULTS.values()]


def test_name_that_is_none_is_refused_with_a_way_on() -> None:
    with pytest.raises(LabError, match="lab fault list"):
        find("gremlins")
