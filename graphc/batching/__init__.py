"""The batching transform: a function of arrays becomes one of stacks, without a loop where a rule knows how."""

from graphc.batching import loops  # noqa: F401 - the rules of loops are known
from graphc.batching.transform import vectorize, vmap

__all__ = ["vectorize", "vmap"]
