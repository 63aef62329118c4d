"""Algebra over the real numbers: only where it is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import graphc as gc

CASES: dict[str, tuple[Callable[[Any], Any], float, float, float]] = {  # formula, at, stable, real
    "x - x": (lambda x: x - x, math.inf, math.nan, 0.0),
    "(x + 1) - x": (lambda x: (x + 1) - x, 1e20, 0.0, 1.0),
    "x + y - x - y": (lambda x: (x + 1e-20) - x - 1e-20, 1.0, -1e-20, 0.0),
    "0 * x": (lambda x: 0.0 * x, math.inf, math.nan, 0.0),
    "x / x": (lambda x: x / x, 0.0, math.nan, 1.0),
    "x * y / x": (lambda x: x * 3.0 / x, 1e308, math.inf, 3.0),
    "-x / x": (lambda x: -x / x, 0.0, math.nan, -1.0),
    "x + 0": (lambda x: 1 / (x + 0.0), -0.0, math.inf, -math.inf),
    "sin(x) / x": (lambda x: gc.sin(x) / x, 0.0, math.nan, 1.0),
    "expm1(x) / x": (lambda x: gc.expm1(x) / x, 0.0, math.nan, 1.0),
    "x * log(x)": (lambda x: x * gc.log(x), 0.0, math.nan, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_real_numbers(case: str) -> None:
    formula, at, stable, real = CASES[case]
    x = gc.input("x", (), "float64")
    y = formula(x)
    for semantics, wanted in (("stable", stable), ("real", real)):
        found = float(gc.compile([x], y, semantics=semantics)(at))
        assert found == wanted or (math.isnan(found) and math.isnan(wanted)), semantics


def test_derivatives_at_a_gap() -> None:
    x = gc.input("x", (), "float64")
    y = gc.sin(x) / x
    slope = gc.grad(y, x, semantics="real")
    assert float(gc.compile([x], slope, semantics="real")(0.0)) == 0.0


def test_integers_wrap_as_they_do() -> None:
    x = gc.input("x", (), "uint8")
    assert int(gc.compile([x], (x + 200) - 200, semantics="real")(100)) == 100
