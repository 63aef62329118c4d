"""The tables of rewrite rules: `CANONICAL`, `EXACT`, `STABLE` and `LAST`; `ALL` holds all of them.

A family of rules is a file. Its table is added here, and nowhere else; rules are tried in this order. Those of
`LAST` come after all others are done, one table after the other, since what they make is no longer a pattern of these.
"""

from graphc.ir.rule import RuleSet
from graphc.passes.rules.algebra import ALGEBRA
from graphc.passes.rules.canonical import CANONICAL
from graphc.passes.rules.counts import COUNTS
from graphc.passes.rules.decisions import DECISIONS
from graphc.passes.rules.densities import DENSITIES
from graphc.passes.rules.differences import DIFFERENCES
from graphc.passes.rules.divergences import DIVERGENCES
from graphc.passes.rules.entropy import ENTROPY
from graphc.passes.rules.error_function import ERROR_FUNCTION, INTERVALS
from graphc.passes.rules.exact import EXACT
from graphc.passes.rules.exponentials import EXPONENTIALS
from graphc.passes.rules.homogeneous import HOMOGENEOUS
from graphc.passes.rules.hyperbolic import HYPERBOLIC
from graphc.passes.rules.known import KNOWN
from graphc.passes.rules.linear_algebra import LINEAR_ALGEBRA
from graphc.passes.rules.log_sum_exp import LOG_SUM_EXP
from graphc.passes.rules.logarithms import LOGARITHMS, NEARLY_EQUAL
from graphc.passes.rules.logistic import LOGISTIC
from graphc.passes.rules.mixtures import MIXTURES
from graphc.passes.rules.moved import MOVED
from graphc.passes.rules.norms import NORMS
from graphc.passes.rules.picked import PICKED
from graphc.passes.rules.powers import POWERS, POWERS_ALONE
from graphc.passes.rules.probabilities import PROBABILITIES
from graphc.passes.rules.products import FACTORS, LOGARITHMS_OF_FACTORS
from graphc.passes.rules.quotients import QUOTIENTS, REMAINDERS
from graphc.passes.rules.roots import DISTANCES, QUADRATICS, ROOTS
from graphc.passes.rules.sequences import SEQUENCES
from graphc.passes.rules.shares import SHARES
from graphc.passes.rules.special import SPECIAL
from graphc.passes.rules.sums import SUMS_OF_PARTS
from graphc.passes.rules.trigonometric import TRIGONOMETRIC
from graphc.passes.rules.variance import VARIANCE

__all__ = ["ALL", "CANONICAL", "EXACT", "LAST", "STABLE"]

STABLE = RuleSet(
    "stable",
    [
        *ALGEBRA,
        *LINEAR_ALGEBRA,
        *HYPERBOLIC,
        *LOGISTIC,
        *LOG_SUM_EXP,
        *PICKED,
        *LOGARITHMS,
        *FACTORS,
        *EXPONENTIALS,
        *ERROR_FUNCTION,
        *NORMS,
        *QUADRATICS,
        *DIFFERENCES,
        *TRIGONOMETRIC,
        *QUOTIENTS,
        *REMAINDERS,
        *DIVERGENCES,
        *POWERS,
        *VARIANCE,
        *MIXTURES,
        *SEQUENCES,
        *DENSITIES,
        *PROBABILITIES,
        *ENTROPY,
        *DECISIONS,
        *COUNTS,
        *SPECIAL,
        *KNOWN,
        *MOVED,
        *SUMS_OF_PARTS,
    ],
)
LAST = (
    RuleSet("last", [*SHARES, *ROOTS, *INTERVALS, *NEARLY_EQUAL, *POWERS_ALONE]),
    RuleSet("very last", [*DISTANCES, *LOGARITHMS_OF_FACTORS, *HOMOGENEOUS]),
)
ALL = RuleSet("all", [*CANONICAL, *EXACT, *STABLE, *(rule for rules in LAST for rule in rules)])
