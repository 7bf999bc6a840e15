"""What an assertion compared, in words: found on the left, expected on the right; with `in`, the other way round."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_EXPECTED = {
    "==": "{}",
    "is": "{}",
    "!=": "anything but {}",
    "is not": "anything but {}",
    "in": "{} among them",
    "not in": "{} not among them",
    "<=": "at most {}",
    "<": "less than {}",
    ">=": "at least {}",
    ">": "more than {}",
}
_OPERATORS = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in", ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">",
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Found and expected, as a person reads them."""

    found: str
    expected: str

    @property
    def figure(self) -> float | None:
        """What was found, where that is one number."""
        try:
            return float(self.found)
        except ValueError:
            return None


@dataclass
class LastComparison:
    """What the check that is judged compared last: pytest's hooks write it, and the judge reads it."""

    value: Comparison | None = None


def compared(operator: str, left: object, right: object) -> Comparison:
    """Put the two sides of a comparison into words."""
    return _compared(operator, tell(left), tell(right))


@lru_cache(maxsize=256)
def passed_comparison(source: str, explanation: str) -> Comparison | None:
    """Take the two sides from pytest's account of an assertion that held; None where it compared nothing."""
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return None
    operator = _OPERATORS[type(tree.ops[0])]
    left, mark, right = explanation.split("\n", 1)[0].partition(f" {operator} ")
    return _compared(operator, _literal(left), _literal(right)) if mark else None


def _compared(operator: str, left: str, right: str) -> Comparison:
    found, expected = (right, left) if operator in ("in", "not in") else (left, right)
    return Comparison(found, _EXPECTED.get(operator, "{}").format(expected))


def tell(value: object) -> str:
    """Write a value without the marks of a programming language."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Mapping():
            text = ", ".join(f"{tell(key)}: {tell(each)}" for key, each in value.items())
        case set() | frozenset():
            text = ", ".join(sorted(tell(each) for each in value))
        case list() | tuple():
            text = ", ".join(tell(each) for each in value)
        case _:
            text = "" if value is None else str(value)
    return text or "nothing"


def _literal(text: str) -> str:
    try:
        return tell(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
