"""Range analysis: one interval for all elements of a node, whatever the inputs are. Facts for rules.

`computed` ranges hold what a target computes: rounded to the dtype, with overflow, infinities and NaN. The
others hold the mathematics, for inputs that are real numbers: there `exp(x)` is positive and finite.
"""

from graphc.interpret.ranges.analysis import Branch, Place, beyond, questions, range_of
from graphc.interpret.ranges.facts import (
    Fact,
    is_at_least,
    is_at_most,
    is_finite,
    is_never_nan,
    is_nonnegative,
    is_nonzero,
    is_positive,
    is_whole,
    recorded_facts,
)
from graphc.interpret.ranges.loops import places_inside

__all__ = [
    "Branch",
    "Fact",
    "Place",
    "beyond",
    "is_at_least",
    "is_at_most",
    "is_finite",
    "is_never_nan",
    "is_nonnegative",
    "is_nonzero",
    "is_positive",
    "is_whole",
    "places_inside",
    "questions",
    "range_of",
    "recorded_facts",
]
