"""The extension `linalg` of the Array API standard, on arrays of `graphc.array_api`."""

from graphc.array_api.namespace import linalg_functions

globals().update(linalg_functions())
__all__ = sorted(linalg_functions())
