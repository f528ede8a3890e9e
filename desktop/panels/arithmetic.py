"""Sums typed into a number field: "1920/2", "12.5 * 3 + 1". Without Qt."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping

_SUM = re.compile(r"[\d\s.+\-*/()]*")
_LONGEST = 60
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def could_be_sum(text: str) -> bool:
    """Whether ``text`` has nothing in it that a sum cannot have."""
    return len(text) <= _LONGEST and bool(_SUM.fullmatch(text))


def value_of(text: str) -> float | None:
    """What a sum comes to; None while it is not finished, or comes to nothing finite."""
    if not text.strip() or not could_be_sum(text):
        return None
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, MemoryError, RecursionError):
        return None
    return value if math.isfinite(value) else None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(f"{ast.dump(node)} is no part of a sum")
