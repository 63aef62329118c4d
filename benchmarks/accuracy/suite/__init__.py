"""The problems: formulas, where their operands lie, the better form that their collection names, Herbie's own result.

The formulas are those of FPBench and of the collections of the Herbie project; so are the conditions and the better
forms. Left out are formulas that are correct as they stand (polynomials of a few terms, spelt in other ways), of more
than some ten operands, and such whose conditions tie operands to each other.
"""

from benchmarks.accuracy.suite.hamming import HAMMING
from benchmarks.accuracy.suite.libraries import LIBRARIES
from benchmarks.accuracy.suite.mathematics import MATHEMATICS
from benchmarks.accuracy.suite.numerics import NUMERICS

COLLECTIONS = {"hamming": HAMMING, "numerics": NUMERICS, "mathematics": MATHEMATICS, "libraries": LIBRARIES}
