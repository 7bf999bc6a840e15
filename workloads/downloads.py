"""What training has downloaded on a node, by its folder in the hub's cache."""

from pathlib import PurePosixPath

from cluster.node import Node
from workloads.recipe import list_recipes, load_recipe

_PLAYBOOKS = ("models--meta-llama--", "datasets--")


def folder_of(model: str) -> str:
    """Return the folder that the hub's client keeps a model in."""
    return f"models--{model.replace('/', '--')}"


def of_training(node: Node) -> tuple[str, ...]:
    """List the models of the playbook and of recipes, and the data sets; other models there are somebody else's.

    Source: playbook step 14, which removes `models--meta-llama*` and `datasets*`.
    """
    recipes = [*list_recipes(), *filter(None, [node.cluster.inventory.recipe])]
    models = {folder_of(load_recipe(recipe).model) for recipe in recipes}
    names = {path: PurePosixPath(path).name for path in node.stack.cached_models}
    return tuple(path for path, name in names.items() if name in models or name.startswith(_PLAYBOOKS))
