"""Testing graphs: random ones go in, disagreements between targets, rewrites and derivatives come out.

    @given(graphc.testing.graphs())
    def test_my_target(graph):
        assert_targets_agree(graph, sample(graph, seed=0), targets=["llvm"])

`graphs` is a Hypothesis strategy and needs the extra `dev`; everything else comes with graphc.
"""

from __future__ import annotations

import importlib
from typing import Any

from graphc.testing.agreement import assert_graphs_agree, assert_targets_agree
from graphc.testing.gradients import check_gradient
from graphc.testing.samples import sample, sizes_for

__all__ = [
    "assert_graphs_agree",
    "assert_targets_agree",
    "check_gradient",
    "graphs",
    "sample",
    "sizes_for",
]


def __getattr__(name: str) -> Any:
    """Hypothesis is imported with the strategy that needs it."""
    if name != "graphs":
        raise AttributeError(f"module 'graphc.testing' has no attribute {name!r}")
    return importlib.import_module("graphc.testing.strategies").graphs
