"""Looking into graphs and machines: pictures, and what a machine has."""

from graphc.inspect.drawing import draw

__all__ = ["draw"]
