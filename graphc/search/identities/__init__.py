"""Identities: the algebra that the accuracy search may use, one line of mathematics each.

What is a matter of sums, products and quotients alone is not here: `graphc.search.ring` knows polynomials.
"""

from graphc.search.identities.exponentials import EXPONENTIALS
from graphc.search.identities.logarithms import LOGARITHMS
from graphc.search.identities.roots import ROOTS
from graphc.search.identities.table import Identity
from graphc.search.identities.trigonometry import TRIGONOMETRY

IDENTITIES: tuple[Identity, ...] = (*ROOTS, *EXPONENTIALS, *LOGARITHMS, *TRIGONOMETRY)
