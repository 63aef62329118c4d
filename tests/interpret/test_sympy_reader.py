from typing import Any

import numpy as np
import pytest
import sympy

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.interpret.sympy_reader import symbols
from graphc.ops import contraction, conversion, indexing, logic, movement, reduction
from graphc.ops.base import Elementwise
from graphc.types import float64
from tests.interpret import samples

# SymPy keeps no bits of unknown integers, and its casts to short floats do not round. It cannot calculate a quotient
# with a derivative that it knows no formula for, and takes long over a count of 48 conditions.
OPS = [op for op in samples.FLOAT_OPS if op.name != "cast" or getattr(op, "dtype", None) is float64]
OPS = [op for op in OPS if op.name not in {"random_gamma_grad", "panjer_quantile"}]


def number(value: Any) -> float:
    return float(bool(value)) if value in (sympy.true, sympy.false) else float(sympy.N(value, 30))


@pytest.mark.parametrize("op", OPS, ids=str)
def test_formulas_give_the_numbers_of_numpy(op: Elementwise) -> None:
    node, inputs = samples.apply(op, float64, (2,))
    arrays = samples.operands(op, float64, 2, seed=3)
    formulas = [symbols(f"x{i}", (2,), x.dtype) for i, x in enumerate(inputs)]
    (found,) = evaluate_nodes([node], dict(zip(inputs, formulas, strict=True)), reader="sympy")
    (expected,) = evaluate_nodes([node], dict(zip(inputs, arrays, strict=True)))
    at = {  # of 40 digits: powers of rational numbers would be exact, and as long as their exponents are large
        s: sympy.Float(float(v), 40) for f, a in zip(formulas, arrays, strict=True) for s, v in zip(f, a, strict=True)
    }
    numbers = [number(sympy.sympify(formula).subs(at)) for formula in found]
    np.testing.assert_allclose(numbers, expected.astype(float), rtol=1e-12, atol=1e-15)


x = gc.input("x", (3,), "float64")
a, b, c = formulas = symbols("x", (3,), x.dtype)


def formula(node: Any) -> Any:
    return evaluate_nodes([node], {x: formulas}, reader="sympy")[0]


def test_reductions_are_formulas_of_their_elements() -> None:
    assert formula(conversion.sum(x))[()] == a + b + c
    assert formula(reduction.prod(x))[()] == a * b * c
    assert formula(reduction.max(x))[()] == sympy.Max(a, b, c)
    assert formula(reduction.mean(x))[()] == (a + b + c) / 3
    assert formula(reduction.logsumexp(x))[()] == sympy.log(sympy.exp(a) + sympy.exp(b) + sympy.exp(c))
    assert formula(reduction.softmax(x))[1] == sympy.exp(b) / (sympy.exp(a) + sympy.exp(b) + sympy.exp(c))
    assert formula(contraction.matmul(x, x))[()] == a**2 + b**2 + c**2


def test_elements_move() -> None:
    assert formula(x[::-1]).tolist() == [c, b, a]
    assert formula(movement.pad(x, 1)).tolist() == [0, a, b, c, 0]
    assert formula(indexing.take(x, np.array([2, -3]))).tolist() == [c, a]


def test_choices_are_piecewise_and_conditions_logic() -> None:
    assert formula(logic.where(x > 0, x, 0))[0] == sympy.Piecewise((a, a > 0), (0, True))
    assert formula(conversion.cast(x > 0, "float64"))[0] == sympy.Piecewise((1, a > 0), (0, True))
    assert formula(logic.logical_and(x > 0, x < 1))[0] == sympy.And(sympy.Lt(0, a), a < 1)
    assert formula(reduction.any(x > 0))[()] == sympy.Or(*(sympy.Lt(0, v) for v in (a, b, c)))
    assert formula(logic.isnan(x))[0] == sympy.false and formula(logic.isfinite(x))[0] == sympy.true


def test_symbols_of_a_bool_array_are_conditions() -> None:
    flag = gc.input("flag", (2,), "bool")
    p, q = symbols("p", (2,), flag.dtype)
    (found,) = evaluate_nodes([logic.where(flag, 1.0, 2.0)], {flag: np.array([p, q])}, reader="sympy")
    assert [number(f.subs({p: 1, q: 0})) for f in found] == [1, 2]


def test_a_proof() -> None:
    shifted = reduction.logsumexp(x - 5.0) + 5.0
    difference = sympy.exp(formula(shifted)[()]) - sympy.exp(formula(reduction.logsumexp(x))[()])
    assert sympy.simplify(difference) == 0


def test_numbers_are_exact() -> None:
    assert formula(x * 0.1)[0] == a * sympy.Rational(0.1)
