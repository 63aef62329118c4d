"""What is known of values at a place of a graph beyond what the graph says: there, and only there, rules may use it.

Range analysis gives it its meaning (graphc/interpret/ranges); rewriting takes it along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_present: ContextVar[Any] = ContextVar("graphc_knowledge", default=None)


def present() -> Any:
    """What is known here; None where it is no more than the graph says."""
    return _present.get()


@contextmanager
def knowing(knowledge: Any) -> Iterator[None]:
    """Rules inside know what holds at a place."""
    token = _present.set(knowledge)
    try:
        yield
    finally:
        _present.reset(token)
