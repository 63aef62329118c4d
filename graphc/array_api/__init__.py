"""The Array API standard 2024.12, eagerly: arrays in, arrays out, each op compiled once by graphc.

    import graphc.array_api as xp

    x = xp.linspace(0.0, 1.0, 5)
    xp.sum(xp.exp(x) * 2)

What the standard has and this namespace has not, and why, is in `docs/array_api.md`.
"""

from __future__ import annotations

from math import e, inf, nan, pi
from typing import Any

from graphc.array_api import linalg
from graphc.array_api.array import VERSION, Array
from graphc.array_api.calls import use_target
from graphc.array_api.namespace import STANDARD_DTYPES, NamespaceInfo, eager_functions

__array_api_version__ = VERSION
newaxis = None

_FUNCTIONS = eager_functions()
globals().update(_FUNCTIONS)
globals().update(STANDARD_DTYPES)

__all__ = ["Array", "e", "inf", "linalg", "nan", "newaxis", "pi", "use_target", *sorted(_FUNCTIONS), *STANDARD_DTYPES]


def __array_namespace_info__() -> NamespaceInfo:
    """What the namespace can do, on which devices, with which dtypes."""
    return NamespaceInfo()


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'graphc.array_api' has no attribute {name!r}: see docs/array_api.md")
