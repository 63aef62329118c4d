"""Whole derivatives: Jacobians and Hessians, dense or of known sparsity."""

from graphc.derivatives.jacobian import hessian, jacobian

__all__ = ["hessian", "jacobian"]
