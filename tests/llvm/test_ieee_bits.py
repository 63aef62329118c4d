"""With `semantics="ieee"` compiled arithmetic has the bits of IEEE 754, operation by operation as written.

Only operations that IEEE 754 rounds correctly take part. NumPy is the judge; which NaN comes out is open.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gc

SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 3.0, 1e-40, -1e-40, 3e38, -3e38, 1e-38, -2.5, 1 / 3)
COUNT = 61
UNARY = ("negative", "abs", "sqrt", "floor", "ceil", "round", "trunc", "square")
BINARY: tuple[Callable[[Any, Any], Any], ...] = (operator.add, operator.sub, operator.mul, operator.truediv)


def formula(seed: int, xp: Any, pool: list[Any]) -> list[Any]:
    """The same random formula in the words of graphc or NumPy, over what is in the pool."""
    choose = random.Random(seed)
    values = list(pool)
    for _ in range(choose.randint(3, 14)):
        kind = choose.random()
        a, b, c, d = (values[choose.randrange(len(values))] for _ in range(4))
        number = choose.choice((*SPECIAL, None, None, None))
        if kind < 0.25:
            values.append(getattr(xp, choose.choice(UNARY))(a))
        elif kind < 0.8:
            other = b if number is None else np.asarray(number, a.dtype if xp is np else a.dtype.name)
            values.append(choose.choice(BINARY)(a, other))
        elif kind < 0.9:
            values.append(getattr(xp, choose.choice(("maximum", "minimum")))(a, b))
        else:
            values.append(xp.where(a > b, c, d))
    return values[len(pool) :]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(15))
def test_bits(seed: int, dtype: str) -> None:
    draw = np.random.default_rng(seed)
    wide = [draw.standard_normal(COUNT) * 10.0 ** draw.integers(-30, 30, COUNT) for _ in range(2)]
    arrays = [draw.choice(SPECIAL, COUNT).astype(dtype), *(x.astype(dtype) for x in wide)]
    inputs = [gc.input(f"x{i}", ("n",), dtype) for i in range(3)]
    compiled = gc.compile(inputs, formula(seed, gc, inputs), semantics="ieee")
    with np.errstate(all="ignore"):
        wanted = formula(seed, np, arrays)
    for found, value in zip(compiled(*arrays), wanted, strict=True):
        np.testing.assert_array_equal(found, value)
        number = ~np.isnan(value)
        np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(value[number]))
