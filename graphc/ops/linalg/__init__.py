"""Linear algebra over stacks of matrices, one small file a family; `graphc.linalg` is the public face.

Stacks of matrices go in (the last two axes are rows and columns), nodes come out. What LAPACK calculates is a
`LibraryOp`; its derivative is made of ops again, so all orders exist. A matrix for which the routine of the library
fails (singular, not positive definite, not finite) gives NaN, the others of its stack do not notice.
"""
