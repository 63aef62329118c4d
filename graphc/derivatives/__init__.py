"""Whole derivatives: Jacobians and Hessians, dense or of known sparsity."""
