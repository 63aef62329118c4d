"""Formulas as mathematics writes them: terms and nodes go in, `1 - sigmoid(x)` goes out.

What stands in a long right-hand side several times gets a name, and a line of its own below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.term import Application, Term

SIGNS = {
    **{"logical_or": ("or", 1), "logical_and": ("and", 2), "equal": ("==", 3), "not_equal": ("!=", 3)},
    **{"less": ("<", 3), "less_equal": ("<=", 3), "greater": (">", 3), "greater_equal": (">=", 3)},
    **{"add": ("+", 4), "subtract": ("-", 4), "multiply": ("*", 5), "divide": ("/", 5), "matmul": ("@", 5)},
    "pow": ("**", 7),
}
"""Signs between two operands, and how tightly they bind; a minus binds like 6, a function like 8."""
MINUS, FUNCTION = 6, 8
ASSOCIATIVE = ("add", "multiply", "logical_and", "logical_or")
LONG, WORTH_A_NAME = 100, 12


def formula(before: Any, after: Any) -> str:
    """Both sides with an arrow between them, and what stands for parts of the second."""
    left, right = _text(before), _text(after)
    names = _names(after) if len(right) > LONG else {}
    lines = [f"{left} -> {_text(after, names)}"]
    parts = {_text(part): part for part in _parts(after)} if names else {}
    for text, name in names.items():
        lines.append(f"    {name} = {_text(parts[text], {t: short for t, short in names.items() if t != text})}")
    return "\n".join(lines)


def _names(x: Any) -> dict[str, str]:
    """Names for what is repeated, the longest first."""
    different = {_text(part): part for part in _parts(x)}
    counts = Counter(_text(arg) for part in different.values() for arg in _operands(part))
    repeated = [text for text, number in counts.items() if number > 1 and WORTH_A_NAME <= len(text) < len(_text(x))]
    used = {text for text, part in different.items() if not _operands(part)}
    free = (letter for letter in "abcdefghklmnpqrst" if letter not in used)
    return dict(zip(sorted(repeated, key=lambda text: (-len(text), text)), free, strict=False))


def _text(x: Any, names: Mapping[str, str] | None = None) -> str:
    return _written(x, names or {})[0]


def _written(x: Any, names: Mapping[str, str]) -> tuple[str, int]:
    """A formula, and how tightly it binds."""
    if names and (name := names.get(_text(x))) is not None:
        return name, FUNCTION
    args, name = _operands(x), _name(x)
    if not args:
        return _leaf(x)
    attributes = x.op.attributes() if isinstance(x, Node) else x.attributes
    if name in SIGNS and len(args) == 2:
        sign, strength = SIGNS[name]
        right = strength if _name(args[1]) == name in ASSOCIATIVE else strength + 1
        space = "" if name == "pow" else " "
        return f"{_inside(args[0], strength, names)}{space}{sign}{space}{_inside(args[1], right, names)}", strength
    if name == "negative":
        return f"-{_inside(args[0], MINUS, names)}", MINUS
    if name == "square":
        return f"{_inside(args[0], FUNCTION, names)}**2", SIGNS["pow"][1]
    if name == "logical_not":
        return f"not {_inside(args[0], SIGNS['equal'][1], names)}", SIGNS["equal"][1]
    if name == "expand":  # broadcasting needs no word
        return _written(args[0], names)
    shown = [_text(arg, names) for arg in args] + [f"{key}={value}" for key, value in attributes.items()]
    return f"{name}({', '.join(shown)})", FUNCTION


def _inside(x: Any, strength: int, names: Mapping[str, str]) -> str:
    text, own = _written(x, names)
    return text if own >= strength else f"({text})"


def _parts(x: Any) -> Iterator[Any]:
    """A formula and all that it is made of, as often as it is written."""
    yield x
    for arg in _operands(x):
        yield from _parts(arg)


def _operands(x: Any) -> tuple[Any, ...]:
    return x.args if isinstance(x, Application | Node) else ()


def _name(x: Any) -> str:
    return x.op.name if isinstance(x, Application | Node) else ""


def _leaf(x: Any) -> tuple[str, int]:
    if isinstance(x, Node):
        number = uniform_value(x)
        x = getattr(x.op, "label", x.op.name) if number is None else number
    exact = isinstance(x, Term | str | bool | np.bool_ | int)
    text = str(x) if exact else f"{float(x):.6g}"
    return text, MINUS if text.startswith("-") else FUNCTION
