"""The ops, one file a family; an op is defined here, once, and nowhere else."""
