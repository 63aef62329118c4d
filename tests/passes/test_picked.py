"""A logit less the logsumexp of its row: values and derivatives where one logit dominates, however it is picked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gc

LOGITS = np.array([[40.0, 0.0, -3.0], [0.0, 1.0, 55.0]])
CLASSES = np.array([0, 2])
SPELLINGS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "take_along_axis": lambda x, y, total: total - gc.take_along_axis(x, y[:, None], axis=1)[:, 0],
    "two indices": lambda x, y, total: total - x[gc.arange(x.shape[0]), y],
    "minus the logit": lambda x, y, total: -gc.take_along_axis(x, y[:, None], axis=1).reshape((2,)) + total,
    "with other terms": lambda x, y, total: (total + 3.0) - x[gc.arange(x.shape[0]), y] - 3.0,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropies(spelling: str, dtype: str) -> None:
    x, y = gc.input("x", (2, 3), dtype), gc.input("y", (2,), "int64")
    losses = SPELLINGS[spelling](x, y, gc.logsumexp(x, axis=1))
    f = gc.compile([x, y], [losses, gc.grad(gc.sum(losses), x)])
    assert "logsumexp" not in str(f.graph)
    found, slopes = f(LOGITS.astype(dtype), CLASSES)
    rest = np.array([np.exp(-40.0) + np.exp(-43.0), np.exp(-55.0) + np.exp(-54.0)])
    np.testing.assert_allclose(slopes[[0, 1], CLASSES], -rest, rtol=1e-5)
    if spelling != "with other terms":  # which absorb it
        np.testing.assert_allclose(found, rest, rtol=1e-5)


def test_a_fixed_class_of_scaled_logits() -> None:
    x = gc.input("x", ("n", 3), "float64")
    f = gc.compile([x], x[:, 0] / 2 - gc.log(gc.sum(gc.exp(x / 2), axis=1)))
    np.testing.assert_allclose(f(LOGITS[:1] * 2), [-(np.exp(-40.0) + np.exp(-43.0))], rtol=1e-12)


NOT_OF_THE_ROW: dict[str, Callable[[Any], Any]] = {
    "rows in another order": lambda x: x[::-1, 0] - gc.logsumexp(x, axis=1),
    "rows by other indices": lambda x: x[gc.stack([1, 0]), gc.stack([0, 0])] - gc.logsumexp(x, axis=1),
    "columns of a square": lambda x: x[:2, :2][0] - gc.logsumexp(x[:2, :2], axis=1),
    "an element of another row": lambda x: x[0, 0] - gc.logsumexp(x, axis=1),
    "another scale": lambda x: 2 * x[:, 0] - gc.logsumexp(x, axis=1),
}


@pytest.mark.parametrize("case", NOT_OF_THE_ROW)
def test_what_is_no_element_of_the_row_stays(case: str) -> None:
    x = gc.input("x", (2, 3), "float64")
    y = NOT_OF_THE_ROW[case](x)
    f, naive = gc.compile([x], y), gc.compile([x], y, semantics="ieee")
    assert "picked_less_logsumexp" not in [firing.rule.name for firing in f.rewrites]
    values = np.random.default_rng(0).normal(size=(2, 3))
    np.testing.assert_allclose(f(values), naive(values), rtol=1e-14)
