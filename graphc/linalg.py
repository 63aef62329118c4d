"""Linear algebra: the `linalg` extension of the Array API standard, and what belongs beside it.

Matrices are in the last two axes; the axes before are a stack. Everything has derivatives of all orders. A matrix for
which there is no result (singular, not positive definite, not finite) gives NaN where NumPy raises an error; the
others of its stack are not touched. 16-bit floats are calculated in float32.
"""

from graphc.ops.contraction import matmul, matrix_transpose
from graphc.ops.linalg.chains import multi_dot
from graphc.ops.linalg.cholesky import cho_logdet, cholesky
from graphc.ops.linalg.determinant import det, logdet, slogdet
from graphc.ops.linalg.eig import eig, eigvals
from graphc.ops.linalg.exponential import expm, matrix_power
from graphc.ops.linalg.least_squares import lstsq, pinv
from graphc.ops.linalg.lu import lu, lu_factor, lu_solve
from graphc.ops.linalg.norms import cond, matrix_norm, norm, vector_norm
from graphc.ops.linalg.qr import qr
from graphc.ops.linalg.structured import block_diag, diagonal, toeplitz, trace
from graphc.ops.linalg.svd import matrix_rank, svd, svdvals
from graphc.ops.linalg.symmetric import eigh, eigvalsh
from graphc.ops.linalg.systems import inv, solve
from graphc.ops.linalg.triangular import cho_solve, triangular_solve
from graphc.ops.products import cross, kron, outer, tensordot, vecdot

__all__ = [
    "block_diag",
    "cho_logdet",
    "cho_solve",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "kron",
    "logdet",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "toeplitz",
    "trace",
    "triangular_solve",
    "vecdot",
    "vector_norm",
]
