"""YAML together with the line on which every field stands."""

import yaml

from cluster.errors import InventoryError

FieldPath = tuple[str | int, ...]

# An alias lets a small file grow without limit; a tag makes a plain word something that it does not look like.
_NOT_PLAIN = {
    yaml.AliasToken: "YAML aliases (*name) are not supported; write the value out",
    yaml.TagToken: "YAML tags (!name) are not supported; write the plain value",
}
_TEXT = "tag:yaml.org,2002:str"


def load_with_lines(text: str, source: str) -> tuple[object, dict[FieldPath, int]]:
    """Parse YAML text into plain data and a map from each field to its line, counted from 1.

    Raises:
        InventoryError: The text is no YAML, repeats a key, has a key that is no text, or uses an alias or a tag.
    """
    try:
        for token in yaml.scan(text):
            if said := _NOT_PLAIN.get(type(token)):
                raise InventoryError(f"{source}:{token.start_mark.line + 1}: {said}.")
        root = yaml.compose(text, yaml.SafeLoader)
        if root is None:
            raise InventoryError(f"{source} is empty: list your nodes under `nodes:`.")
        return yaml.safe_load(text), lines_of(root, source)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InventoryError(f"{source}{line}: this is not valid YAML: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise InventoryError(f"{source}: this is not valid YAML: {reason}.") from None


def lines_of(root: yaml.Node, source: str) -> dict[FieldPath, int]:
    """Map each field to its line, counted from 1.

    Raises:
        InventoryError: A key stands twice, of which YAML would take the last, or is no text.
    """
    lines: dict[FieldPath, int] = {}
    _walk(root, (), lines, source)
    return lines


def _walk(node: yaml.Node, field: FieldPath, lines: dict[FieldPath, int], source: str) -> None:
    lines[field] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*field, index), lines, source)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner, at = (*field, str(key.value)), key.start_mark.line + 1
            if key.tag != _TEXT:
                raise InventoryError(f"{source}:{at}: {spell(inner)}: a key is text; put it in quotes if it is one.")
            if inner in lines:
                raise InventoryError(
                    f"{source}:{at}: {spell(inner)} stands here a second time (first on line {lines[inner]})."
                )
            _walk(value, inner, lines, source)
            lines[inner] = at


def spell(field: FieldPath) -> str:
    """Write a field as a person would: nodes[1].address."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in field)
    return text.removeprefix(".")


def line_of(field: FieldPath, lines: dict[FieldPath, int]) -> int:
    """Find the line of a field, or of the nearest field around it that is written down."""
    while field and field not in lines:
        field = field[:-1]
    return lines.get(field, 1)
