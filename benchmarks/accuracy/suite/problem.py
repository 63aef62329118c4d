"""What a problem is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Formula = Callable[..., Any]


@dataclass(frozen=True)
class Problem:
    """A formula of operands, the ranges of some of them, and the better form, if there is one."""

    name: str
    operands: str
    formula: Formula
    target: Formula | None = None
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
