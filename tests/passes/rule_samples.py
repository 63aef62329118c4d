"""Instances of rules: both sides built on inputs, without code per rule."""

from __future__ import annotations

import inspect
from itertools import product
from typing import Any

import graphc as gc
from graphc.errors import GraphcError
from graphc.ir.node import Node
from graphc.ir.rule import Rule
from graphc.types import float16

ROW = 3  # elements of a row that is reduced


def attributes(rule: Rule) -> dict[str, Any]:
    """A value for each variable of a rule that stands for an attribute."""
    found = inspect.signature(rule.function).parameters.values()
    names = [p.name for p in found if p.annotation is not p.empty]
    return {name: (1,) if name == "axis" else float16 for name in names}


def values(rule: Rule, inputs: dict[str, Node]) -> dict[str, Node]:
    """What the variables stand for: inputs, or their absolute values where the condition of the rule wants that."""
    given = {**inputs, **attributes(rule)}
    if rule.when is None:
        return inputs
    about = inspect.signature(rule.when).parameters
    if rule.when(**{name: given[name] for name in about}):
        return inputs
    return {name: gc.abs(node) if name in about else node for name, node in inputs.items()}


def sides(rule: Rule, dtype: Any, rows: Any = "n") -> tuple[dict[str, Node], Node, Node]:
    """Inputs, left-hand side and right-hand side. Variables are floats where that fits, else bool."""
    given = attributes(rule)
    names = [name for name in inspect.signature(rule.function).parameters if name not in given]
    shape = (rows, ROW) if "axis" in given else (rows,)
    for bools in sorted(product((False, True), repeat=len(names)), key=sum):
        inputs = {n: gc.input(n, shape, "bool" if b else dtype) for n, b in zip(names, bools, strict=True)}
        try:
            before, after = rule.function(**values(rule, inputs), **given)
        except (GraphcError, TypeError):
            continue
        return inputs, before, after
    raise AssertionError(f"no types fit the rule {rule.name}")
