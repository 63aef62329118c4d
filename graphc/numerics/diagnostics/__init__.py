"""What can go wrong with the numbers of a formula, by range analysis: graphs go in, diagnostics come out.

scope          the graph around a node: users, conditions, names
expression     formulas as functions of one value, thresholds
finding        what checks find, and the table of checks
overflow, growth, domain, cancellation, hacks, narrow     the checks
diagnose       all checks on all nodes, and what became of what they found
policy         which kinds warn or fail when a function is compiled
"""

from graphc.numerics.diagnostics.diagnose import Diagnostic, Diagnostics, diagnose
from graphc.numerics.diagnostics.finding import KINDS

__all__ = ["KINDS", "Diagnostic", "Diagnostics", "diagnose"]
