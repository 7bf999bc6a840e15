"""Recipes: what is shipped is valid, and what is not valid is told by file and field."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from workloads.deploy import workspace_files
from workloads.finetune import recipe as on_node
from workloads.finetune.refusal import RefusalError
from workloads.recipe import RECIPES, Recipe, RecipeError, find_recipe, list_recipes, load_recipe

WORKLOADS = Path(__file__).parents[2] / "workloads"


def _changed(folder: Path, **changes: Any) -> str:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(find_recipe("tiny").read_text()) | changes))
    return str(path)


def test_the_playbooks_models_and_the_smoke_run_are_shipped() -> None:
    assert list_recipes() == ["llama3-3b-full", "llama3-70b-lora", "llama3-70b-qlora", "llama3-8b-lora", "tiny"]


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_is_read_alike_by_controller_and_node(name: str) -> None:
    here, there = load_recipe(name), on_node.read_recipe(find_recipe(name))
    names = {field.name for field in fields(on_node.Recipe)} - {"digest", "lora", "timeouts", "needs"}
    assert {each: getattr(here, each) for each in names} == {each: getattr(there, each) for each in names}


def test_the_node_asks_for_no_field_that_the_controller_does_not_know() -> None:
    assert {field.name for field in fields(on_node.Recipe)} - {"digest"} <= set(Recipe.model_fields)


def test_the_smoke_run_trains_on_rows_that_are_shipped() -> None:
    assert (WORKLOADS / load_recipe("tiny").dataset).is_file()


def test_a_recipe_of_ones_own_is_given_by_path(tmp_path: Path) -> None:
    assert load_recipe(_changed(tmp_path, seed=11)).seed == 11


def test_a_recipe_of_ones_own_goes_to_the_nodes_beside_those_that_are_shipped(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_bytes((RECIPES / "tiny.yaml").read_bytes() + b"# mine\n")
    assert workspace_files(str(own))["recipes/mine.yaml"].data.endswith(b"# mine\n")
    assert set(workspace_files(str(own))) - set(workspace_files("tiny")) == {"recipes/mine.yaml"}
    assert workspace_files("tiny") == workspace_files(None)


def test_a_recipe_of_ones_own_does_not_take_the_place_of_one_that_is_shipped(tmp_path: Path) -> None:
    own = tmp_path / "tiny.yaml"
    own.write_bytes((RECIPES / "tiny.yaml").read_bytes())
    with pytest.raises(RecipeError, match="a recipe of that name is shipped; give yours another"):
        load_recipe(str(own))


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(
        RecipeError, match=r"^llama9: there is no such recipe; there are llama3-3b-full, llama3-70b-lora"
    ):
        load_recipe("llama9")


def test_a_path_that_no_file_can_have_is_a_recipe_that_is_not_there() -> None:
    with pytest.raises(RecipeError, match="there is no such recipe"):
        load_recipe(f"{'x' * 300}.yaml")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"learnig_rate": 1.0}, "learnig_rate: Extra inputs are not permitted"),
        ({"learning_rate": "fast"}, "learning_rate: Input should be a valid number"),
        ({"learning_rate": "0.1"}, "learning_rate: Input should be a valid number"),
        ({"learning_rate": float("nan")}, "learning_rate: Input should be"),
        ({"batch_per_rank": 0}, "batch_per_rank: Input should be greater than or equal to 1"),
        ({"method": "dora"}, "method: Input should be 'lora', 'qlora' or 'full'"),
        ({"lora": None}, "method: lora and qlora need a section lora"),
        ({"method": "qlora", "sharding": "fsdp2"}, "sharding: four-bit weights are not sharded"),
        ({"compile": True, "sharding": "fsdp2"}, "compile: a sharded model is not compiled"),
        ({"method": "qlora", "merge": True}, "merge: only an adapter beside 16 or 32 bit weights"),
        ({"lora": {"rank": 8}}, r"lora.alpha: Field required \(and 2 more\)"),
        ({"epochs": 1}, "epochs, max_steps: one is a number and the other null"),
        ({"max_steps": None}, "epochs, max_steps: one is a number and the other null"),
        ({"max_steps": 10, "warmup_steps": 11}, "warmup_steps: it is more than max_steps"),
        ({"timeouts": {"join_s": 0, "load_s": 1, "step_s": 1}}, "timeouts.join_s: Input should be greater than 0"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_bad_field_is_named_with_its_file_in_one_line(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    path = _changed(tmp_path, **changes)
    with pytest.raises(RecipeError, match=f"^{path}: .*{told}") as raised:
        load_recipe(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["model: [", "- a\n- list\n", "", "\x00"], ids=["open", "list", "empty", "control"])
def test_what_is_not_a_recipe_at_all_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    for read, error in ((load_recipe, RecipeError), (lambda name: on_node.read_recipe(Path(name)), RefusalError)):
        with pytest.raises(error, match=f"^{path}: ") as raised:
            read(str(path))
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: 7\nrows: 5\nseed: 8\n", ":3: seed stands here a second time (first on line 1)."),
        ("seed: 2026-99-99\n", ": the recipe cannot be read: month must be in 1..12"),
        ("[" * 3000, ": the recipe cannot be read: "),
    ],
    ids=["twice", "no date", "deep"],
)
def test_what_yaml_takes_and_a_recipe_cannot_mean_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match="^" + re.escape(f"{path}{told}")) as raised:
        load_recipe(str(path))
    assert "\n" not in str(raised.value)


def test_the_node_names_the_field_that_is_missing(tmp_path: Path) -> None:
    told = yaml.safe_load(find_recipe("tiny").read_text())
    del told["seed"]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(told))
    with pytest.raises(RefusalError, match="recipe lacks seed"):
        on_node.read_recipe(path)


def test_the_digest_changes_with_a_single_byte(tmp_path: Path) -> None:
    path = Path(_changed(tmp_path))
    before = on_node.read_recipe(path).digest
    path.write_text(path.read_text() + "\n")
    assert on_node.read_recipe(path).digest != before
