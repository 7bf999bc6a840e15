"""The pytest side: collection, one check at a time, and the end of the run."""

from collections.abc import Generator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.node import Node
from engine.check import check_of, title_of
from engine.comparison import LastComparison, compared, passed_comparison
from engine.interruption import Interruption
from engine.last_screen import last_lines, title
from engine.listing import listing
from engine.memory import share_heaps, spare_the_collector
from engine.options import add_options, choose_inventory, read_options
from engine.outcome import GOOD
from engine.redact import plain, redact
from engine.run import Run
from engine.terminal import Screen
from engine.turn import CHECK, VERDICT, is_plain, plain_arguments, record_broken, take_turn
from reports import ReportError
from reports.outcome import Outcome

RUN = pytest.StashKey[Run]()
SCREEN = pytest.StashKey[Screen]()
INTERRUPTION = pytest.StashKey[Interruption]()

LAST_STEP_OF_A_NODE = 4
"""From step 5 on the nodes are one swarm, of which a part says little."""

CLEANUP_STEP = 14

_NARROWING = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
"""What pytest may be asked for that leaves checks out."""

_LISTING = ("collectonly", "showfixtures", "show_fixtures_per_test")
"""What pytest may be asked to list, where nothing is judged."""

_TOLD = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
"""The ways for pytest to end of which our report can give an account; the others are its own to explain."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the contract."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Print the checks and end, where nothing else was asked for."""
    if not config.getoption("list"):
        return None
    print(listing(), end="")
    return pytest.ExitCode.OK


def pytest_configure(config: pytest.Config) -> None:
    """Build the run when runbook/ is what pytest was asked to run."""
    config.addinivalue_line(
        "markers",
        "check(id, fix, needs, needs_everywhere, explained_by, applies, remedy, threshold, warns, due_after, settles, "
        "together): a check",
    )
    config.addinivalue_line("markers", "step(number, title, applies, settles): a step of the playbook")
    if not _is_runbook(config):
        return
    inventory, name = choose_inventory(config)
    try:
        run = Run(read_options(config, inventory), inventory, name)
    except ClusterError as error:
        raise pytest.UsageError(plain(str(error))) from None
    config.stash[RUN] = run
    verbosity = config.getoption("verbose", default=0)
    config.stash[INTERRUPTION] = Interruption()
    config.stash[SCREEN] = screen = Screen(verbose=verbosity > 0, quiet=verbosity < 0)
    run.cluster.tell = screen.progress
    config.pluginmanager.register(Comparisons(run.compared))
    # Where it is installed it would import itself whole at the end, for property tests that a run has none of.
    config.pluginmanager.unregister(name="hypothesispytest")
    # pytest's own progress makes room for ours; its account of errors in the runbook itself stays.
    config.option.verbose = -2
    config.option.reportchars = ""
    if reporter := config.pluginmanager.get_plugin("terminalreporter"):
        reporter.showfspath = False


def _is_runbook(config: pytest.Config) -> bool:
    runbook = config.rootpath / "runbook"
    paths = [Path(config.invocation_params.dir, arg.split("::")[0]).resolve() for arg in config.args]
    return any(path.is_relative_to(runbook) or runbook.is_relative_to(path) for path in paths)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let -k choose a check by its id, as reports name it."""
    if mark := item.get_closest_marker("check"):
        item.extra_keyword_matches.add(mark.args[0])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every check of a node one turn a node, in order of rank."""
    if "node" in metafunc.fixturenames and RUN in metafunc.config.stash:
        metafunc.parametrize("node", metafunc.config.stash[RUN].cluster.names, indirect=True)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The cluster of this run."""
    return request.config.stash[RUN].cluster


@pytest.fixture
def node(request: pytest.FixtureRequest, cluster: Cluster) -> Node:
    """One node of the cluster."""
    return cluster[request.param]


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The run itself, for the fixture that launches training."""
    return request.config.stash[RUN]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note which check each item is; --cleanup runs step 14 alone, --undo no check at all."""
    if RUN not in config.stash:
        return
    run = config.stash[RUN]
    for item in items:
        if found := check_of(item):
            item.stash[CHECK] = found
    asked_for_files = any(Path(arg.split("::")[0]).is_file() for arg in config.args)
    limited, cleanup = run.options.limit is not None, run.options.cleanup
    narrowed = any(config.getoption(name, default=None) for name in _NARROWING)
    run.whole = not (narrowed or asked_for_files or limited or cleanup)
    if run.options.mode == "undo":
        run.steps = dict(title_of(item.module) for item in items if isinstance(item, pytest.Function))
        items.clear()
    elif limited:
        items[:] = [item for item in items if CHECK in item.stash and item.stash[CHECK].step <= LAST_STEP_OF_A_NODE]
    elif cleanup:
        items[:] = [item for item in items if CHECK in item.stash and item.stash[CHECK].step == CLEANUP_STEP]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take care of the memory before there are threads, and verdicts."""
    if RUN in session.config.stash:
        spare_the_collector()
        share_heaps()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Connect to all nodes before the first check; with --undo, do that instead of checks."""
    config = session.config
    if RUN not in config.stash or config.option.collectonly or session.testsfailed:
        return None
    run, screen = config.stash[RUN], config.stash[SCREEN]
    config.stash[INTERRUPTION].listen()
    inventory = run.cluster.inventory
    screen.head(run.options.mode, inventory.name, run.cluster.names, inventory.simulated_parts)
    screen.working("connecting")
    try:
        run.open(item.stash[CHECK].step for item in session.items if CHECK in item.stash)
        if run.options.mode == "undo":
            run.undo()
    except ClusterError as error:
        screen.stop_spinner()
        run.abandon()
        del config.stash[RUN]
        raise pytest.UsageError(plain(str(error))) from None
    if run.options.mode != "undo":
        return None
    for verdict in run.verdicts:
        screen.verdict(verdict)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Judge a plain check in one go: pytest's phases of setting up and tearing down cost more than most checks do."""
    run = item.config.stash.get(RUN, None)
    # The last check of a module has them anyway, and ends what others have set up for the module.
    last = nextitem is None or nextitem.parent is not item.parent
    if run is None or last or not isinstance(item, pytest.Function) or not is_plain(item):
        return None
    screen, arguments = item.config.stash[SCREEN], plain_arguments(item, run.cluster)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    call = pytest.CallInfo.from_call(
        lambda: take_turn(item, run, screen, arguments), when="call", reraise=(KeyboardInterrupt, pytest.exit.Exception)
    )
    item.ihook.pytest_runtest_logreport(report=item.ihook.pytest_runtest_makereport(item=item, call=call))
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judge a check that has been set up instead of merely calling it."""
    if CHECK not in pyfuncitem.stash:
        return None
    run, screen = pyfuncitem.config.stash[RUN], pyfuncitem.config.stash[SCREEN]
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    take_turn(pyfuncitem, run, screen, arguments)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell pytest of outcomes in its own three words, so that -x and --junit-xml understand them."""
    report = yield
    if report.failed and CHECK in item.stash and VERDICT not in item.stash:
        record_broken(item, item.config.stash[RUN], item.config.stash[SCREEN], call)
    if report.when == "call" and VERDICT in item.stash:
        verdict = item.stash[VERDICT]
        if verdict.outcome in (Outcome.SKIPPED, Outcome.BLOCKED):
            report.outcome = "skipped"
            path, line, _ = item.location
            report.longrepr = (path, line or 0, redact(verdict.cause or verdict.outcome.value))
        elif verdict.outcome not in GOOD:
            report.outcome = "failed"
            report.longrepr = redact(verdict.cause or f"found {verdict.found}, expected {verdict.expected}")
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Keep pytest's own reporter from repeating what our screen says."""
    told = dict(getattr(report, "user_properties", ())).get("outcome")  # what broke while collecting has none
    return (f"runbook {told}", "", "") if told else None


class Comparisons:
    """Notes what assertions compared; registered for a run alone, as pytest tells of every assertion it rewrote."""

    def __init__(self, last: LastComparison) -> None:
        """Note it there."""
        self._last = last

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Note what a failing assertion compared."""
        self._last.value = compared(op, left, right)

    def pytest_assertion_pass(self, orig: str, expl: str) -> None:
        """Note what a passing assertion compared."""
        self._last.value = passed_comparison(orig, expl)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the reports, show the last screen, and set the exit status of the contract."""
    config = session.config
    if RUN not in config.stash or any(config.getoption(name, default=None) for name in _LISTING):
        return
    run, screen = config.stash[RUN], config.stash[SCREEN]
    interruption = config.stash[INTERRUPTION]
    interruption.ignore()
    # A second signal may keep pytest from noting the first.
    run.interrupted = interruption.came or exitstatus == pytest.ExitCode.INTERRUPTED
    run.stopped = bool(session.shouldfail)
    no_checks = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    # An undo has none, and is told all the same.
    undone = no_checks and run.options.mode == "undo"
    if exitstatus not in _TOLD and not run.interrupted and not undone:
        if no_checks:
            screen.end("NOTHING TO CHECK", good=False, lines=["No check matches: look at -k, -m and the paths given."])
        screen.close()
        run.abandon()
        return
    for verdict in run.judge.finish():
        screen.verdict(verdict)
    screen.working("writing the report")
    unwritten = None
    try:
        run.close()
    except (OSError, ReportError) as error:
        unwritten = plain(str(error))
        run.cluster.close()
    session.exitstatus = pytest.ExitCode.INTERRUPTED if run.interrupted else run.exit_status
    good = run.exit_status == 0 and not run.interrupted
    if good and unwritten:
        # Whoever asked for a report, and waits for it, shall not go on without one.
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    screen.end(title(run), good=good, lines=last_lines(run, unwritten))
    screen.close()
    # On its way out pytest collects garbage several times; what is frozen is not looked through.
    spare_the_collector()
