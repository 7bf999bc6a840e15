"""Every fault of the lab: the check that has to name it does, the plan is the deed, and all is well afterwards."""

import time
from collections.abc import Callable, Iterable

import pytest

from lab.faults.catalogue import FAULTS
from lab.faults.fault import PERSON, Fault
from tests.e2e.lab import Lab, Result, told
from tests.e2e.pairs import pairs

pytestmark = pytest.mark.lab

SAMPLE = (
    "node-off", "host-key-changed", "cable-pulled", "address-twice", "swarm-port-dropped", "daemon-json-broken",
    "live-restore", "gpu-of-other-node", "gpu-lost", "another-swarm", "stack-removed", "ranks-both-zero",
)  # fmt: skip
"""What stands for all of them where time is short."""

WRONG = ("failed", "fix_failed", "unknown", "would_fix")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take all faults with --faults, and otherwise a dozen."""
    whole = metafunc.config.getoption("--faults")
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", FAULTS if whole else SAMPLE)
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", pairs() if whole else pairs(1), ids=" and ".join)


@pytest.fixture(scope="module")
def good(readied: Lab) -> set[str]:
    """What the nodes are when all is well."""
    readied.do("restore", "ready")
    return readied.states()


def test_fault_is_named_and_repaired(
    ready: Lab, good: set[str], name: str, record_property: Callable[[str, object], None]
) -> None:
    fault = FAULTS[name]
    ready.do("fault", "inject", name, "--unsaved")
    started = time.monotonic()
    plan = ready.runbook("--plan", *allowed(fault.allow))
    record_property("seconds", round(time.monotonic() - started, 1))
    named, strange = causes(plan, [fault])
    record_property("false", " ".join(strange))
    assert named == [True], told(plan)
    assert strange == [], told(plan)
    record_property("named", True)
    if fault.repaired_by == PERSON:
        is_refused([fault], plan)
    else:
        is_repaired(ready, [fault], plan, good)
    record_property("repaired", True)


def test_two_faults_at_once(ready: Lab, good: set[str], pair: tuple[str, str]) -> None:
    faults = [FAULTS[name] for name in pair]
    ready.do("fault", "inject", *pair, "--unsaved")
    plan = ready.runbook("--plan", *allowed(flag for fault in faults for flag in fault.allow))
    named, strange = causes(plan, faults)
    assert any(named), told(plan)
    assert strange == [], told(plan)
    if all(fault.repaired_by != PERSON for fault in faults):
        is_repaired(ready, faults, plan, good)
    else:
        is_refused(faults, plan)


def is_refused(faults: list[Fault], plan: Result) -> None:
    """Nothing that only a person can do is done, and what to do is told."""
    if all(fault.repaired_by == PERSON for fault in faults):
        assert all(change["risk"] != "safe" for change in changes(plan)), plan.changes
    assert (plan.exit == 0) == all(fault.warns for fault in faults), told(plan)
    for fault in faults:
        for one in verdicts(plan, fault):
            assert one["remedy"] or one["outcome"] == "unknown", one


def is_repaired(lab: Lab, faults: list[Fault], plan: Result, good: set[str]) -> None:
    """`--fix` does what was planned and nothing else, asks where it has to, and leaves nothing to do."""
    flags = [flag for fault in faults for flag in fault.allow]
    if flags:
        refused = lab.runbook("--plan")
        asked = {
            flag for flag in flags if f"--allow {flag}" in str([one["remedy"] for one in refused.report["checks"]])
        }
        # Where the fault has ended the containers already, nobody has to be asked.
        assert asked & set(flags) or refused.with_outcome("failed") == [], told(refused)
    fixed = lab.runbook("--fix", "--train", "none", *allowed(flags))
    assert fixed.exit == 0, told(fixed)
    assert set(plan.changes) <= set(fixed.changes)
    if len(faults) == 1 or not waits(plan):
        assert sorted(fixed.changes) == sorted(plan.changes)
    again = lab.runbook("--plan")
    assert (again.exit, again.changes) == (0, []), told(again)
    told_files = ["/var/lib/spark-runbook/journals/", *(path for fault in faults for path in fault.leaves)]
    told_files += [change.splitlines()[1].split(":", 1)[1] for change in fixed.changes if change.startswith("--- ")]
    differing = {line for line in lab.states() ^ good if not any(path in line for path in told_files)}
    assert differing == set()


def waits(plan: Result) -> bool:
    """Whether the plan says of a check that it can be judged only when something else was changed."""
    return any("when the changes planned before it are made" in str(one["cause"]) for one in plan.report["checks"])


def allowed(flags: Iterable[str]) -> list[str]:
    return [word for flag in flags for word in ("--allow", flag)]


def causes(run: Result, faults: list[Fault]) -> tuple[list[bool], list[str]]:
    """Tell of each fault whether it is named in the right place and words, and what else is called a cause."""
    named = [any(fault.cause in words(one) for one in verdicts(run, fault)) for fault in faults]
    expected = {check for fault in faults for check in (fault.check, *fault.also)}
    first = [cause for cause in run.report["diagnosis"] if cause["outcome"] in WRONG]
    warned = [one["id"] for one in run.report["checks"] if one["warning"]]
    return named, [one for one in [*(cause["id"] for cause in first), *warned] if one not in expected]


def words(one: dict[str, object]) -> str:
    return f"{one['cause']} {one['warning']} {one['found']}"


def verdicts(run: Result, fault: Fault) -> list[dict[str, object]]:
    """Find where the fault's own check fails, or warns, in the fault's own place."""
    return [
        one
        for one in run.report["checks"]
        if (one["id"], one["node"]) == (fault.check, fault.node) and (one["outcome"] in WRONG or one["warning"])
    ]


def changes(run: Result) -> list[dict[str, object]]:
    return [change for one in run.report["checks"] for change in one["changes"]]
