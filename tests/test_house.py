"""The house as it is meant to be: floors, the form of a check, and files short enough to be read at one sitting."""

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "runbook": {"fixers", "engine", "workloads", "cluster"},
    "fixers": {"engine", "workloads", "cluster"},
    "workloads": {"cluster"},
    "engine": {"cluster", "reports"},
    "cluster": set[str](),
    "reports": set[str](),
    "lab": set[str](),
}
"""The floors: every arrow goes down."""

FLOORS = list(MAY_IMPORT)
FILES = {floor: sorted((ROOT / floor).rglob("*.py")) for floor in FLOORS}
RUNBOOK = [path for path in FILES["runbook"] if path.name.startswith("test_")]
FINETUNE = "workloads.finetune"


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, *, while_loading: bool = False) -> Iterator[str]:
    """Names of modules of the house that a file imports, with what it takes from them."""
    for node in _loaded(_tree(path)) if while_loading else ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(_name(path).split(".")[: -node.level])
            yield from (".".join(filter(None, [package, node.module, alias.name])) for alias in node.names)


def _loaded(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is loaded: not what stands in functions, nor what is for the type checker alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _loaded(node)


def _house(names: Iterator[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] in FLOORS}


@pytest.mark.parametrize("floor", FLOORS)
def test_arrows_go_down_only(floor: str) -> None:
    allowed = MAY_IMPORT[floor] | {floor}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in FILES[floor]
        for name in _house(_imports(path))
        if name.split(".")[0] not in allowed
    }
    assert wrong == set()


def test_the_finetune_stands_alone_since_it_runs_in_the_container() -> None:
    files = sorted((ROOT / "workloads" / "finetune").glob("*.py"))
    assert files
    wrong = {
        f"{path.name} imports {name}"
        for path in files
        for name in _house(_imports(path))
        if not name.startswith(FINETUNE)
    }
    assert wrong == set()


def test_nobody_runs_the_finetune_in_the_engines_process() -> None:
    others = [path for floor in FLOORS for path in FILES[floor] if "finetune" not in path.parts]
    assert {path.name for path in others for name in _house(_imports(path)) if name.startswith(FINETUNE)} == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {_name(path): path for floor in FLOORS for path in FILES[floor]}
    arrows = {
        name: {_module(target, modules) for target in _house(_imports(path, while_loading=True))} - {name, ""}
        for name, path in modules.items()
    }
    while leaves := {name for name, targets in arrows.items() if not targets & arrows.keys()}:
        arrows = {name: targets for name, targets in arrows.items() if name not in leaves}
    assert arrows == {}


def _module(name: str, modules: dict[str, Path]) -> str:
    """The module that an imported name stands in: `a.b.C` is in `a.b`."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def _checks() -> list[tuple[str, ast.FunctionDef, ast.Call]]:
    """Every check in the order of the playbook: its module, its function and its declaration."""
    return [
        (path.stem, node, mark)
        for path in RUNBOOK
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "check"
    ]


CHECKS = _checks()
IDS = [str(ast.literal_eval(mark.args[0])) for _, _, mark in CHECKS]


def _options(mark: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in mark.keywords if keyword.arg}


def test_every_test_of_the_runbook_is_a_check() -> None:
    tests = [
        node.name
        for path in RUNBOOK
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert tests == [function.name for _, function, _ in CHECKS]
    assert len(tests) > 40


@pytest.mark.parametrize("function", [function for _, function, _ in CHECKS], ids=IDS)
def test_a_check_is_one_sentence_and_one_comparison(function: ast.FunctionDef) -> None:
    sentence = ast.get_docstring(function) or ""
    assert re.fullmatch(r"[^\n.]+(\.\w[^\n.]*)*\.", sentence), f"one sentence is expected, not: {sentence!r}"
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    assert [type(node) for node in body] == [ast.Assert]
    assertion = body[0]
    assert isinstance(assertion, ast.Assert)
    assert isinstance(assertion.test, ast.Compare)
    assert len(assertion.test.ops) == 1
    assert assertion.msg is not None


@pytest.mark.parametrize("path", FILES["runbook"], ids=lambda path: path.stem)
def test_the_runbook_holds_no_shell(path: Path) -> None:
    ways = {"read", "change", "run", "hold", "Popen", "system", "check_output"}
    called = {
        node.func.attr
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and (node.args or node.keywords)
    }
    assert called & ways == set()
    assert {name.split(".")[0] for name in _imports(path)} & {
        "subprocess",
        "os",
        "shlex",
        "re",
        "json",
        "yaml",
    } == set()


@pytest.mark.parametrize("path", FILES["fixers"], ids=lambda path: path.stem)
def test_fixers_hold_no_assertion_and_ask_nothing_past_the_facts(path: Path) -> None:
    nodes = list(ast.walk(_tree(path)))
    assert [node.lineno for node in nodes if isinstance(node, ast.Assert)] == []
    reads = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "read"
        if isinstance(node.func.value, ast.Name) and node.func.value.id in ("node", "manager", "peer")
    ]
    assert reads == []


def test_every_id_is_unique_and_names_subject_and_fact() -> None:
    assert sorted(set(IDS)) == sorted(IDS)
    assert [name for name in IDS if not re.fullmatch(r"[a-z0-9]+\.[a-z0-9_]+", name)] == []


def test_modules_stand_in_the_order_of_the_steps() -> None:
    steps = [
        ast.literal_eval(node.value.args[0])
        for path in RUNBOOK
        for node in _tree(path).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "step"
    ]
    assert steps == [int(path.stem.split("_")[1]) for path in RUNBOOK]
    assert all(earlier <= later for earlier, later in pairwise(steps))


@pytest.mark.parametrize(("name", "mark"), list(zip(IDS, (mark for _, _, mark in CHECKS), strict=True)), ids=IDS)
def test_a_check_knows_what_to_do_when_it_fails(name: str, mark: ast.Call) -> None:
    # Of a node that does not answer the cause itself says what to do.
    assert {"fix", "remedy"} & _options(mark).keys() or name == "ssh.reachable"


@pytest.mark.parametrize("path", sorted(ROOT.glob("[!.]*/**/*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_at_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_pins_are_exact_and_the_same_in_the_lock() -> None:
    project = _project()
    wanted = [Requirement(line) for line in project["project"]["dependencies"] + project["dependency-groups"]["dev"]]
    lock = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and not line.startswith("#")]
    locked = {_canonical(requirement.name): str(requirement.specifier) for requirement in map(Requirement, lock)}
    assert {one.name: str(one.specifier) for one in wanted} == {
        one.name: locked.get(_canonical(one.name)) for one in wanted
    }
    assert all(specifier.startswith("==") for specifier in locked.values())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
