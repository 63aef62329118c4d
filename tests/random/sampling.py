"""What the tests of random numbers share: the targets, and ways to calculate draws."""

import shutil

import numpy as np
import pytest

import graphc as gc

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
TARGETS = ["reference", "llvm", pytest.param("cuda-emulator", marks=needs_compiler)]
SIGNIFICANCE = 1e-4  # the seeds are fixed, so a test fails always or never


def drawn(node, target="llvm"):
    """The numbers of a draw."""
    return gc.compile([], node, target=target)()


def ulps(x, y):
    """The distance of two arrays in units of the last place of the larger numbers."""
    return np.abs(x - y) / np.spacing(np.maximum(np.abs(x), np.abs(y)).astype(x.dtype))
