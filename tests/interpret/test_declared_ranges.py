import math

import numpy as np
import pytest

import graphc as gc
from graphc.interpret.ranges import range_of
from graphc.ir.graph import Graph

inf = math.inf


def test_a_range_is_part_of_an_input() -> None:
    x, same = gc.input("x", (3,), range=(0, 1)), gc.input("x", (3,), range=(0.0, 1.0))
    assert x is same
    assert x is not gc.input("x", (3,)) and x is not gc.input("x", (3,), range=(0, 2))
    assert gc.input("x", (3,), range=(-0.0, 1)) is x


@pytest.mark.parametrize(
    ("dtype", "given", "computed", "real"),
    [
        ("float32", (0, 1), "[0, 1]", "[0, 1]"),
        ("float32", (0, inf), "[0, inf]", "[0, inf)"),
        ("float16", (-inf, -0.1), "[-inf, -0.0999756]", "(-inf, -0.0999756]"),
        ("float64", (-inf, inf), "[-inf, inf]", "(-inf, inf)"),
        ("int8", (-inf, 3), "[-128, 3]", "[-128, 3]"),
        ("uint64", (2**63, inf), "[9.22337e+18, 1.84467e+19]", "[9.22337e+18, 1.84467e+19]"),
    ],
)
def test_ranges_of_inputs(dtype: str, given: tuple[float, float], computed: str, real: str) -> None:
    x = gc.input("x", (2,), dtype, range=given)
    assert str(range_of(x)) == computed
    assert str(range_of(x, computed=False)) == real


@pytest.mark.parametrize(
    ("dtype", "given", "message"),
    [
        ("float32", (1, 0), "no number lies in"),
        ("float32", (inf, inf), "no number lies in"),
        ("float32", (0, math.nan), "NaN bounds nothing"),
        ("float32", (0, 1e300), "the bound 1e.300 is no float32"),
        ("float32", 1, "1 is no range"),
        ("float32", (0, "a"), "'a' is no bound"),
        ("float32", (False, True), "False is no bound"),
        ("uint8", (-1, 3), "the bound -1 is no uint8"),
        ("int64", (0.5, 3), "the bound 0.5 is no int64"),
        ("bool", (0, 1), "truth values have no range"),
    ],
)
def test_what_is_no_range(dtype: str, given: object, message: str) -> None:
    with pytest.raises(gc.GraphcError, match=message) as error:
        gc.input("x", (2,), dtype, range=given)
    assert "test_declared_ranges.py" in str(error.value)


def test_ranges_in_text() -> None:
    x = gc.input("x", ("n",), range=(0, 0.1))
    i = gc.input("i", ("n",), "int64", range=(-(2**62), inf))
    text = str(Graph("f", (x, i), (x + i.astype("float32"),)))
    assert text.startswith("graph f(%x: f32[n] in [0.0, 0.1], %i: i64[n] in [-4611686018427387904, inf]) {")
    read = gc.parse_graph(text)
    assert read.inputs[0] is x and read.inputs[1] is i and str(read) == text
    for wrong in ("in [1.0, 0.0]", "in [0.0]", "in [nan, 1.0]", "in (0.0, 1.0)"):
        with pytest.raises(gc.ParseError):
            gc.parse_graph(text.replace("in [0.0, 0.1]", wrong))


def test_a_range_licenses_a_rule() -> None:
    def f(**options):
        p, w = gc.input("p", (3,), **options), gc.input("w", (3,), **options)
        lgamma = gc.lgamma
        return gc.compile([p, w], lgamma(p) + lgamma(w) - lgamma(p + w))

    assert not f().licences
    (licence,) = f(range=(0, 100)).licences
    assert licence.rule.name == "sum_of_lgammas" and "its values are [0, 100]" in str(licence)


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_ranges_are_checked(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    x, i = gc.input("x", (2, "n"), range=(0, 1)), gc.input("i", (), "int8", range=(1, inf))
    given = np.array([[0, 1], [0.5, 2]], "f4")
    assert gc.compile([x, i], x * i, target=target)(given, np.int8(0)).tolist() == [[0, 0], [0, 0]]
    monkeypatch.setenv("GRAPHC_CHECK", "1")
    f = gc.compile([x, i], x * i, target=target)
    f(given / 2, np.int8(1))
    message = r"the input 'x' is 2.0 at \(1, 1\), outside of its range \[0.0, 1.0\]\n.*test_declared"
    with pytest.raises(gc.AssumptionError, match=message):
        f(given, np.int8(1))
    with pytest.raises(gc.AssumptionError, match="'i' is 0 at"):
        f(given / 2, np.int8(0))
    given[0, 0] = math.nan
    with pytest.raises(gc.AssumptionError, match="is nan at"):
        f(given / 2, np.int8(1))


def test_stacks_keep_the_range() -> None:
    x = gc.input("x", (3,), range=(1, 2))
    rows = gc.vmap(lambda row: gc.log(row))(x)
    assert range_of(rows).low == 0 and not range_of(rows).may_be_nan
