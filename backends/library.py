"""Steps that a library calculates on the host: arrays of the operands go in, those of the results are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import ShapeError
from graphc.interpret.binding import bind
from graphc.kernel import LibraryCall
from graphc.ops.base import LibraryOp

Array = np.ndarray[Any, Any]


def calculate(step: LibraryCall, arrays: Sequence[Array], sizes: Mapping[str, int]) -> None:
    """Fill the arrays of the results, the last ones. Raises what the library raises."""
    operands, results = arrays[: len(step.operands)], arrays[len(step.operands) :]
    op = bind(step.op, sizes)
    assert isinstance(op, LibraryOp)
    with np.errstate(all="ignore"):
        values = op.calculate(*operands)
    for value, result in zip(values if isinstance(values, tuple) else (values,), results, strict=True):
        if np.shape(value) != result.shape:
            raise ShapeError(f"{op.name} gave a result of shape {np.shape(value)}, not {result.shape}")
        result[...] = value
