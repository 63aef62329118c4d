"""Functions that are called once and stand for many: the bodies of loops, and what is mapped over a batch.

Who hands out something new at each call of Python asks here whether the nodes that it makes are evaluated more often.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_repeated: ContextVar[str | None] = ContextVar("repeated", default=None)


@contextmanager
def repeated(what: str) -> Iterator[None]:
    """While a function is called whose nodes are evaluated many times; `what` names it: "the body of a loop"."""
    token = _repeated.set(what)
    try:
        yield
    finally:
        _repeated.reset(token)


def what_is_repeated() -> str | None:
    """What is being recorded that is evaluated many times, or None."""
    return _repeated.get()
