"""graphc: define a computation graph, differentiate it, make it stable and fast, run it."""

from graphc.tensor import input, parameter
