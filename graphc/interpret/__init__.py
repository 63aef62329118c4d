"""The reference semantics: what a graph means, read over NumPy arrays, exact numbers, formulas or intervals.

Comes in: a graph and values for its inputs; goes out: the values of its outputs and updates. Slow and
obvious: every other target is measured against it.
"""

from graphc.interpret.binding import bind, infer_sizes
from graphc.interpret.evaluation import Results, check_sizes, evaluate, evaluate_nodes
from graphc.interpret.reader import Reader

__all__ = ["Reader", "Results", "bind", "check_sizes", "evaluate", "evaluate_nodes", "infer_sizes"]
