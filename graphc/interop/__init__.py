"""Doors to other libraries and formats; each is imported when it is first used, and brings its library with it."""

from __future__ import annotations

import importlib
from types import ModuleType

_DOORS = ("safetensors",)


def __getattr__(name: str) -> ModuleType:
    if name not in _DOORS:
        raise AttributeError(f"module 'graphc.interop' has no attribute {name!r}")
    return importlib.import_module(f"graphc.interop.{name}")
