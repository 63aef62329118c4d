"""Nested containers of nodes: tuples, lists, dictionaries and None, with something at every leaf.

leaves, structure = flatten({"h": h, "c": (c, None)})
unflatten(structure, leaves)         # the same containers around other leaves
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

LEAF = object()
"""Stands for a leaf in a structure."""


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves in order, and the containers around them."""
    leaves: list[Any] = []

    def walk(part: Any) -> Any:
        if part is None:
            return None
        if isinstance(part, dict):
            return {key: walk(value) for key, value in part.items()}
        if isinstance(part, tuple) and hasattr(part, "_fields"):
            return type(part)(*map(walk, part))
        if isinstance(part, list | tuple):
            return type(part)(map(walk, part))
        leaves.append(part)
        return LEAF

    structure = walk(tree)
    return leaves, structure


def unflatten(structure: Any, leaves: Iterable[Any]) -> Any:
    """The containers of a structure around leaves."""
    rest = iter(leaves)

    def walk(part: Any) -> Any:
        if part is LEAF:
            return next(rest)
        if isinstance(part, dict):
            return {key: walk(value) for key, value in part.items()}
        if isinstance(part, tuple) and hasattr(part, "_fields"):
            return type(part)(*map(walk, part))
        return type(part)(map(walk, part)) if isinstance(part, list | tuple) else part

    return walk(structure)


def paths(structure: Any, path: str = "") -> Iterator[str]:
    """Where each leaf is: such as `['h'][0]`."""
    if structure is LEAF:
        yield path
    elif isinstance(structure, dict):
        for key, value in structure.items():
            yield from paths(value, f"{path}[{key!r}]")
    elif isinstance(structure, list | tuple):
        for number, value in enumerate(structure):
            yield from paths(value, f"{path}[{number}]")


def shown(structure: Any) -> str:
    """A structure as text, `*` for each leaf."""
    if structure is LEAF:
        return "*"
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key!r}: {shown(value)}" for key, value in structure.items()) + "}"
    if isinstance(structure, list | tuple):
        text = ", ".join(map(shown, structure))
        return f"[{text}]" if isinstance(structure, list) else f"({text})"
    return repr(structure)
