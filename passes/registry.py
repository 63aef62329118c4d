"""The registry of passes: what `parse_pipeline` and `graphc passes` know.

A pass is a function with keyword options. Its annotations say what it takes and gives, its docstring opens
with what it does and shows an example.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
PASSES: dict[str, Pass] = {}


@dataclass(frozen=True, eq=False)
class Pass:
    """A registered pass; `takes` and `gives` name the forms of the program, such as "Graph" and "Program"."""

    name: str
    function: Callable[..., Any]
    takes: str
    gives: str

    @property
    def options(self) -> dict[str, Any]:
        """The default value of each option."""
        parameters = list(inspect.signature(self.function).parameters.values())[1:]
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def doc(self) -> str:
        """What the pass does, with an example."""
        return inspect.getdoc(self.function) or ""


def graph_pass(function: F) -> F:
    """Register a pass from Graph to Graph; the function itself is what comes back."""
    return _register(function, "Graph", "Graph")


def lowering_pass(function: F) -> F:
    """Register a pass that takes or gives another form than Graph, as its annotations say."""
    annotations = inspect.get_annotations(function)
    given = annotations.pop("return")
    return _register(function, str(next(iter(annotations.values()))), str(given))


def _register(function: F, takes: str, gives: str) -> F:
    PASSES[function.__name__] = Pass(function.__name__, function, takes, gives)
    return function
