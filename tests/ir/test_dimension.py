"""The algebra of sizes against Python's integers."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc
from graphc import dimension
from graphc.dimension import Dim, call, evaluate, parse, substitute, symbol

unhurried = settings(deadline=None)  # a loaded machine is no error
NAMES = ("n", "m", "batch")
values = st.fixed_dictionaries({name: st.integers(0, 40) for name in NAMES})
leaves = st.one_of(st.integers(-9, 9), st.sampled_from(NAMES).map(symbol))
OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "min": min,
    "max": max,
}


def trees(inner):
    return st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner)


formulas = st.recursive(leaves, trees, max_leaves=8)


def as_size(formula):
    """The size of a tree of operations; None if it divides by 0."""
    if not isinstance(formula, tuple):
        return formula
    word, *args = formula
    a, b = map(as_size, args)
    if a is None or b is None or (word in ("//", "%") and isinstance(b, int) and b == 0):
        return None
    return call(word, a, b) if word in ("min", "max") else OPERATIONS[word](a, b)


def as_integer(formula, sizes):
    """The same in Python's integers."""
    if not isinstance(formula, tuple):
        return evaluate(formula, sizes)
    word, *args = formula
    return OPERATIONS[word](*(as_integer(arg, sizes) for arg in args))


def divides_by_zero(formula, sizes):
    try:
        as_integer(formula, sizes)
    except ZeroDivisionError:
        return True
    return False


@unhurried
@given(formulas, values)
def test_the_value_is_that_of_the_formula_and_text_reads_back(formula, sizes):
    size = as_size(formula)
    if size is None or divides_by_zero(formula, sizes):
        return
    expected = as_integer(formula, sizes)
    assert evaluate(size, sizes) == expected
    assert parse(str(size)) == size
    assert str(parse(str(size))) == str(size)
    assert dimension.symbols_of(size) <= set(NAMES)


@unhurried
@given(formulas, formulas, values)
def test_substitution_commutes_with_evaluation(formula, inner, sizes):
    size, replacement = as_size(formula), as_size(inner)
    if size is None or replacement is None or divides_by_zero(inner, sizes):
        return
    inside = {**sizes, "n": as_integer(inner, sizes)}
    if divides_by_zero(formula, inside):
        return
    try:
        replaced = substitute(size, {"n": replacement})
    except gc.errors.ShapeError:
        return  # the replacement is 0, and something is divided by it
    assert evaluate(replaced, sizes) == evaluate(size, inside)


@unhurried
@given(formulas, values)
def test_what_is_proved_nonnegative_is(formula, sizes):
    size = as_size(formula)
    if size is not None and not divides_by_zero(formula, sizes) and dimension.is_nonnegative(size):
        assert as_integer(formula, sizes) >= 0


@unhurried
@given(formulas, st.sampled_from(NAMES), values)
def test_coefficients_are_those_of_a_linear_size(formula, name, sizes):
    size = as_size(formula)
    factor = None if size is None else dimension.coefficient(size, name)
    if factor is None or divides_by_zero(formula, sizes):
        return
    try:
        constant = substitute(size, {name: 0})
        assert evaluate(size, sizes) == evaluate(factor, sizes) * sizes[name] + evaluate(constant, sizes)
    except gc.errors.ShapeError:
        pass  # the rest divides by 0 for these sizes


@unhurried
@given(formulas, values)
def test_sympy_agrees(formula, sizes):
    size = as_size(formula)
    if not isinstance(size, Dim) or divides_by_zero(formula, sizes):
        return
    expression = size.to_sympy()
    found = expression.subs({s: sizes[s.name] for s in expression.free_symbols})
    if found.is_number and found.is_finite:
        assert found == evaluate(size, sizes)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("n + n", "2*n"),
        ("n-n", "0"),
        ("2*(n+1) - 2", "2*n"),
        ("m*n - n*m", "0"),
        ("(4*n+8)//4", "n+2"),
        ("(4*n+m)//4", "(m//4)+n"),
        ("(6*n+3)%3", "0"),
        ("(4*n+m)%4", "(m%4)"),
        ("(n*m)//n", "m"),
        ("(6*n*m)//(2*n)", "3*m"),
        ("(n+m)//(n+m)", "1"),
        ("n//(-2)", "(n//(-2))"),
        ("min(n, n+3)", "n"),
        ("max(n,n+3)", "n+3"),
        ("max(0,n)", "n"),
        ("min ( n,m )", "min(m,n)"),
        ("n//2*2", "2*(n//2)"),
        ("-n", "-n"),
        ("3*n//2", "((3*n)//2)"),
        ("2*(n//2) + n%2", "n"),
        ("min(n//2, n) + max(n - n//2, 0)", "n"),
        ("max(n//2 - 1, 0)", "max((n//2)-1,0)"),
        ("max(m - n//2, 0)", "max(m-(n//2),0)"),
        ("m*k*((n+1)//m) + k*((n+1)%m) - k", "k*n"),
        ("4*(n//2) + n%2", "(n%2)+4*(n//2)"),
    ],
)
def test_normal_forms(text, normal):
    assert str(parse(text)) == normal
    assert parse(normal) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "n m",
        "2 3",
        "n+",
        "*n",
        "(n",
        "n)",
        "n//",
        "n.5",
        "min(n)",
        "min(n,m,1)",
        "n//0",
        "1%0",
        "é",
        "²",
        "+n",
    ],
)
def test_what_is_no_size(text):
    with pytest.raises(ValueError):
        parse(text)


def test_parentheses_do_not_nest_without_end():
    assert parse("(" * 40 + "n" + ")" * 40) == symbol("n")
    with pytest.raises(ValueError, match="nested too deeply"):
        parse("(" * 10_000 + "n" + ")" * 10_000)


def test_sizes_are_known_only_in_a_call():
    n = symbol("n")
    for question in (bool, int, range, lambda size: [1, 2][size]):
        with pytest.raises(TypeError, match="known only when the function is called"):
            question(n)


@pytest.mark.parametrize("other", [2.5, "n", None, 1j, [1]])
def test_sizes_calculate_with_integers_only(other):
    for operation in ("+", "-", "*", "//", "%"):
        with pytest.raises(TypeError):
            OPERATIONS[operation](symbol("n"), other)


def test_numbers_that_are_no_sizes_are_named_with_what_to_write():
    n = symbol("n")
    for operation in (lambda: n / 2, lambda: 1 / n, lambda: 0.5 * n, lambda: n - 1.5, lambda: n**0.5, lambda: n / n):
        with pytest.raises(gc.DTypeError, match=r"no size comes of n and .*\n.*gc.extent\(n, \"float32\"\)"):
            operation()
    x = gc.input("x", ("n",))
    assert (gc.sum(x) / n).dtype is x.dtype and (n * x).dtype is x.dtype
    assert n**2 == n * n and n**0 == 1


def test_sizes_count_as_numbers_beside_nodes_on_either_side():
    n, x = symbol("n"), gc.input("x", ("n",))
    sums = [n + x, x + n, n - x, x - n, n * x, n / x, x / n, n**x, x**n]
    v = np.array([1, 2, 4], np.float32)
    wanted = [3 + v, v + 3, 3 - v, v - 3, 3 * v, 3 / v, v / 3, 3**v, v**3]
    np.testing.assert_allclose(gc.compile([x], sums)(v), wanted, rtol=1e-6)


def test_a_size_divided_by_an_unknown_zero_is_an_error_when_it_is_known():
    with pytest.raises(gc.errors.ShapeError, match="divided by 0"):
        parse("m//n").evaluate({"n": 0, "m": 4})


def test_a_missing_dimension_is_named():
    with pytest.raises(KeyError, match="m"):
        parse("n*m").evaluate({"n": 2})


def test_equal_sizes_are_equal_values():
    assert len({parse("n+m"), parse("m+n"), parse("2*m+n-m")}) == 1
    assert parse("n") != parse("m")
    assert parse("n-n+3") == 3
