"""Special functions, each an elementwise op: written once, as an algorithm of a fixed number of steps.

Most calculate in float64 and round once to the dtype of their operands. Coefficients without a source are those of
polynomials that interpolate the function at Chebyshev nodes, found with mpmath at 50 digits.
"""

from graphc.ops.special import (  # noqa: F401 - their ops are known to the parser
    bessel,
    beta_function,
    digamma_gap,
    error_function,
    gamma_function,
    incomplete_beta,
    incomplete_gamma,
    information,
    normal_interval,
    poisson,
    polygamma_difference,
    quotient,
    zeta_function,
)
