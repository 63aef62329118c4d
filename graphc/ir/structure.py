"""Nested tuples, lists and dicts of leaves, and None for nothing: flat lists of leaves, and back.

Comes in: what a user's function takes or gives; goes out: its leaves in order (dicts by their keys as inserted) and
the structure around them, into which other leaves can be put.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Leaf:
    """The place of one leaf."""


@dataclass(frozen=True)
class Branch:
    """A tuple, list or dict of structures, or None. Equal structures have the same kinds, sizes and keys."""

    kind: type
    keys: tuple[Any, ...]
    parts: tuple[Structure, ...]

    def __str__(self) -> str:
        if self.kind is dict:
            return f"{{{', '.join(f'{key!r}: {part}' for key, part in zip(self.keys, self.parts))}}}"
        return f"{self.kind.__name__}({', '.join(map(str, self.parts))})"


Structure = Leaf | Branch


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """The leaves of a value, and the structure around them."""
    leaves: list[Any] = []
    return leaves, _taken_apart(value, leaves)


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """The value with a structure and as many leaves as it has."""
    rest = iter(leaves)
    value = _put_together(structure, rest)
    if next(rest, rest) is not rest:
        raise ValueError("there are more leaves than places")
    return value


def _taken_apart(value: Any, leaves: list[Any]) -> Structure:
    if value is None:
        return Branch(type(None), (), ())
    if isinstance(value, dict):
        return Branch(dict, tuple(value), tuple(_taken_apart(part, leaves) for part in value.values()))
    if isinstance(value, list | tuple):
        return Branch(type(value), (), tuple(_taken_apart(part, leaves) for part in value))
    leaves.append(value)
    return Leaf()


def _put_together(structure: Structure, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, Leaf):
        return next(leaves)
    if structure.kind is type(None):
        return None
    parts = [_put_together(part, leaves) for part in structure.parts]
    if structure.kind is dict:
        return dict(zip(structure.keys, parts))
    return structure.kind(*parts) if hasattr(structure.kind, "_fields") else structure.kind(parts)
