"""Looking into graphs, compiled functions and machines: pictures, pages, and what a machine has."""

from graphc.inspect.drawing import draw
from graphc.inspect.report import explain

__all__ = ["draw", "explain"]
