"""Elementary functions as branch-free vector code with stated bounds of the error."""
