"""YAML together with the line on which every field stands."""

import yaml

from cluster.errors import InventoryError

FieldPath = tuple[str | int, ...]


def load_with_lines(text: str, source: str) -> tuple[object, dict[FieldPath, int]]:
    """Parse YAML text into plain data and a map from each field to its line, counted from 1.

    Raises:
        InventoryError: The text is no YAML, repeats a key or uses an alias.
    """
    lines: dict[FieldPath, int] = {}
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise InventoryError(f"{source}: YAML aliases (*name) are not supported; write the value out.")
        root = yaml.compose(text, yaml.SafeLoader)
        if root is None:
            raise InventoryError(f"{source} is empty: list your nodes under `nodes:`.")
        _walk(root, (), lines, source)
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InventoryError(f"{source}{line}: this is not valid YAML: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise InventoryError(f"{source}: this is not valid YAML: {reason}.") from None


def _walk(node: yaml.Node, field: FieldPath, lines: dict[FieldPath, int], source: str) -> None:
    lines[field] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*field, index), lines, source)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*field, str(key.value))
            if inner in lines:
                at = key.start_mark.line + 1
                raise InventoryError(
                    f"{source}:{at}: {spell(inner)} stands here a second time (first on line {lines[inner]})."
                )
            _walk(value, inner, lines, source)
            lines[inner] = key.start_mark.line + 1


def spell(field: FieldPath) -> str:
    """Write a field as a person would: nodes[1].address."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in field)
    return text.removeprefix(".")


def line_of(field: FieldPath, lines: dict[FieldPath, int]) -> int:
    """Find the line of a field, or of the nearest field around it that is written down."""
    while field and field not in lines:
        field = field[:-1]
    return lines.get(field, 1)
