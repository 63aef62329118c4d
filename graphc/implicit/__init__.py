"""Solutions of equations, differentiated by the implicit function theorem: how they were found does not matter.

    fixed_point     x = f(x)          the derivative is a fixed point too
    root            f(x) = 0          by Newton's method, a fixed point whose derivative takes one step
    argmin          least f(x)        a root of the gradient, or where steps downhill come to rest
    linear_solve    A(x) = b          by conjugate gradients, for a function A; the derivative solves with Aᵀ

Nothing of an iteration is kept for the derivative, and derivatives of every order are solutions again.
Sources: Christianson, Reverse accumulation and attractive fixed points, 1994; Blondel et al., Efficient and modular
implicit differentiation, 2022.
"""

from graphc.implicit.equations import argmin, root
from graphc.implicit.fixed_point import fixed_point
from graphc.implicit.linear import linear_solve

__all__ = ["argmin", "fixed_point", "linear_solve", "root"]
