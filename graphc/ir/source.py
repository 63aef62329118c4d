"""Where a node comes from: the user's file, line and expression. It travels beside a node's identity, never in it.

Capturing costs a walk up the stack to the first frame outside graphc; the text is looked up only when it is shown.
"""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from opcode import opmap, opname
from types import CodeType, FrameType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_INSIDE = tuple(
    {os.path.realpath(os.path.join(_PACKAGE, part)) + os.sep for part in (".", "passes", "backends")}
    | {_PACKAGE + os.sep, "<frozen "}  # and the import machinery
)
_CACHE, _POP = (opmap[name] for name in ("CACHE", "POP_TOP"))
_EXAMPLES = os.path.join(_PACKAGE, "examples") + os.sep  # packaged, but written as users write


class Source:
    """A place in the user's code, or in a text file of graphs.

    `is_derived` is said of nodes that a rewrite or a derivative made in place of the user's; `backward_of` has the name
    of the op of which they calculate the derivative.
    """

    __slots__ = ("_code", "_derived", "_instruction", "_text", "backward_of", "file", "is_derived", "line")

    def __init__(self, file: str, line: int, text: str | None = None) -> None:
        self.file, self.line, self._text = file, line, text
        self.is_derived = False
        self.backward_of: str | None = None
        self._derived: dict[str | None, Source] = {}
        self._code: CodeType | None = None
        self._instruction = -1

    @classmethod
    def of_frame(cls, frame: FrameType) -> Source:
        source = cls(frame.f_code.co_filename, frame.f_lineno)
        source._code, source._instruction = frame.f_code, frame.f_lasti
        return source

    @property
    def is_text(self) -> bool:
        """Whether it is a place in a text of graphs, which does not say what the user wrote and what is derived."""
        return self._code is None

    @property
    def identity(self) -> tuple[object, ...]:
        """What nodes share that were made by one call or operator of the user's."""
        return self.file, self.line, self._code, self._instruction

    def is_same_expression(self, other: Source) -> bool:
        """Whether both nodes were made by one call or operator of the user's."""
        return self.identity == other.identity

    @property
    def is_stored(self) -> bool:
        """Whether the user's next step is to store the value in a variable."""
        if self._code is None:
            return False
        return opname[_following(self._code.co_code, self._instruction)].startswith(("STORE_", "COPY"))

    def derived(self, backward_of: str | None = None) -> Source:
        """The same place, for nodes that the user did not write there: of the derivative of an op, if one is named."""
        if self.is_derived and (backward_of is None or self.backward_of is not None):
            return self
        if backward_of not in self._derived:
            copy = Source(self.file, self.line, self._text)
            copy._code, copy._instruction = self._code, self._instruction
            copy.is_derived, copy.backward_of = True, backward_of
            self._derived[backward_of] = copy
        return self._derived[backward_of]

    @property
    def text(self) -> str:
        """The source line, without indentation; empty if the file cannot be read."""
        if self._text is None:
            self._text = linecache.getline(self.file, self.line).strip()
        return self._text

    @property
    def expression(self) -> str:
        """The part of the line that made the node, as far as the interpreter recorded it; else the whole line."""
        if self._code is None:
            return self.text
        positions = list(self._code.co_positions())
        start_line, end_line, start, end = positions[self._instruction // 2]
        if start_line is None or start_line != end_line or start is None or end is None:
            return self.text
        line = linecache.getline(self.file, start_line).encode()
        return line[start:end].decode(errors="replace") or self.text

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line}"


_current: ContextVar[Source | None] = ContextVar("graphc_source", default=None)


@contextmanager
def at(source: Source | None, *, backward_of: str | None = None) -> Iterator[None]:
    """Nodes made inside come from `source`: how rewrites and derivatives (of an op) keep the user's line."""
    token = _current.set(source.derived(backward_of) if source is not None else None)
    try:
        yield
    finally:
        _current.reset(token)


def here() -> Source | None:
    """The source of a node that is made now: the innermost frame outside graphc."""
    current = _current.get()
    if current is not None:
        return current
    frame = _users_frame()
    return None if frame is None else Source.of_frame(frame)


def is_thrown_away() -> bool:
    """Whether the user called a function of graphc in a statement of its own: Python drops the result then."""
    frame = _users_frame()
    if frame is None:
        return False
    return _following(frame.f_code.co_code, frame.f_lasti) == _POP


def _following(code: bytes, instruction: int) -> int:
    """The operation after one, by number."""
    place = instruction + 2
    while place < len(code) and code[place] == _CACHE:  # what the interpreter keeps beside a call
        place += 2
    return code[place] if place < len(code) else _CACHE


def _users_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not _is_users(frame):
        frame = frame.f_back
    return frame


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the user's line."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and not _is_users(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_users(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_EXAMPLES) or not file.startswith(_INSIDE)
