"""The namespace as a whole: names, parameters, dtypes, what it says of itself, the array object, what is kept."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.array_api import make_strategies_namespace

import graphc as gc
import graphc.array_api as xp
from graphc.array_api import calls
from graphc.array_api.coverage import rows, table
from graphc.array_api.signatures import CONSTANTS, DTYPES, FUNCTIONS, LINALG, MISSING

DOCUMENT = Path(__file__).parents[2] / "docs" / "array_api.md"
SPACES = [(xp, FUNCTIONS), (xp.linalg, LINALG)]


def test_every_name_of_the_standard_is_there_or_has_a_reason():
    for name in (*CONSTANTS, *DTYPES, *FUNCTIONS):
        assert hasattr(xp, name) != (name in MISSING), name
    assert [name for name in LINALG if not hasattr(xp.linalg, name)] == []
    assert set(xp.__all__) >= {*CONSTANTS, *FUNCTIONS} - set(MISSING)


def test_the_names_are_those_of_the_standard():
    """array-api-strict knows some of a later version."""
    functions = {
        name for name in strict.__all__ if inspect.isfunction(getattr(strict, name)) and not name.startswith("_")
    }
    later = {"isin", "broadcast_shapes"} | {name for name in functions if "flags" in name}
    assert functions - later == set(FUNCTIONS)
    assert set(strict.linalg.__all__) == set(LINALG)


@pytest.mark.parametrize("place", [0, 1])
def test_parameters_are_those_of_the_standard(place):
    ours, functions = SPACES[place]
    theirs = (strict, strict.linalg)[place]
    for name in functions:
        if hasattr(ours, name):
            found, expected = (
                [(p.kind, p.name if p.kind is not p.POSITIONAL_ONLY else "") for p in s.parameters.values()]
                for s in (inspect.signature(getattr(space, name)) for space in (ours, theirs))
            )
            assert found == expected, name


def test_functions_have_names_and_say_what_they_do():
    for space, functions in SPACES:
        for name in functions:
            function = getattr(space, name, None)
            if function is not None:
                assert function.__name__ == name
                assert function.__doc__, name


def test_the_document_has_the_table():
    """`python -m graphc.array_api.coverage` writes it."""
    assert table() in DOCUMENT.read_text()
    assert all(remark for _, eager, _, remark in rows() if eager == "no")


# --- what the namespace says of itself ---


def test_information():
    info = xp.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] is True
    assert info.default_device() in info.devices()
    defaults = info.default_dtypes()
    assert defaults == {"real floating": xp.float64, "integral": xp.int64, "indexing": xp.int64}
    assert info.dtypes(kind="bool") == {"bool": xp.bool}
    assert set(info.dtypes()) == set(DTYPES) - set(MISSING)
    assert set(info.dtypes(kind=("unsigned integer", "real floating"))) == {
        *("uint8", "uint16", "uint32", "uint64", "float32", "float64")
    }
    with pytest.raises(ValueError, match="device"):
        info.dtypes(device="gpu")
    assert xp.__array_api_version__ == "2024.12"
    assert xp.ones(2).__array_namespace__(api_version="2023.12") is xp
    with pytest.raises(ValueError, match="2019"):
        xp.ones(2).__array_namespace__(api_version="2019.12")
    assert gc.input("x", (2,)).__array_namespace__() is gc


def test_default_dtypes_are_what_it_makes():
    assert all(x.dtype is xp.float64 for x in (xp.ones(2), xp.linspace(0, 1, 2), xp.arange(1.0), xp.asarray(0.5)))
    assert all(x.dtype is xp.int64 for x in (xp.arange(2), xp.full(2, 1), xp.asarray([1]), xp.argmax(xp.ones(2))))
    assert xp.full(2, True).dtype is xp.asarray(True).dtype is xp.bool


def test_constants():
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (np.e, np.pi, np.inf, None) and np.isnan(xp.nan)


def test_questions_about_dtypes():
    assert xp.finfo(xp.float32).eps == np.finfo("float32").eps and xp.finfo(xp.ones(1)).bits == 64
    assert xp.iinfo(xp.int8).min == -128 and xp.iinfo(xp.uint64).max == 2**64 - 1
    assert xp.finfo(xp.float64).dtype is xp.float64 and xp.iinfo(xp.int16).dtype is xp.int16
    for name in DTYPES:
        for other in DTYPES:
            if {name, other} & set(MISSING):
                continue
            ours, theirs = ([getattr(space, n) for n in (name, other)] for space in (xp, strict))
            assert xp.isdtype(*ours) == strict.isdtype(*theirs)
            kinds = {dtype.kind for dtype in ours}
            if kinds <= {"i", "u"} or len(kinds) == 1:  # the standard promotes within a kind, graphc as NumPy
                assert xp.can_cast(*ours) == strict.can_cast(*theirs), (name, other)
    for kind in (
        "bool",
        "signed integer",
        "unsigned integer",
        "integral",
        "real floating",
        "complex floating",
        "numeric",
    ):
        for name in set(DTYPES) - set(MISSING):
            assert xp.isdtype(getattr(xp, name), kind) == strict.isdtype(getattr(strict, name), kind)
    assert xp.isdtype(xp.int8, ("bool", xp.int8)) and not xp.isdtype(xp.int8, ("bool", xp.int16))
    assert xp.result_type(xp.int8, xp.ones(1, dtype=xp.int32), 3) is xp.int32
    assert xp.result_type(xp.float32, 1.5) is xp.float32
    with pytest.raises(gc.DTypeError, match="kind"):
        xp.isdtype(xp.int8, "number")
    with pytest.raises(gc.DTypeError, match="no float"):
        xp.finfo(xp.int8)
    with pytest.raises(gc.DTypeError, match="no integer"):
        xp.iinfo(xp.float32)
    with pytest.raises(gc.DTypeError, match="numbers alone"):
        xp.result_type(1, 2.0)


# --- the array object ---


def test_attributes_and_conversions():
    x = xp.asarray([[1, 2, 3], [4, 5, 6]])
    assert (x.shape, x.ndim, x.size, x.dtype, x.device) == ((2, 3), 2, 6, xp.int64, "cpu")
    assert x.T.shape == x.mT.shape == (3, 2) and len(x) == 2
    assert [int(row[0]) for row in x] == [1, 4]
    assert (int(x[0, 1]), float(x[1, 2]), bool(x[0, 0]), complex(x[0, 0])) == (2, 6.0, True, 1 + 0j)
    assert [10, 20, 30][x[0, 0]] == 20
    assert repr(xp.asarray([1.5])) == "Array([1.5], dtype=float64)"
    assert x.to_device("cpu") is x
    np.testing.assert_array_equal(np.asarray(x), [[1, 2, 3], [4, 5, 6]])
    for wrong in (
        lambda: bool(x),
        lambda: float(x),
        lambda: len(x[0, 0]),
        lambda: [1][xp.asarray(0.5)],
        lambda: hash(x),
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="no matrix"):
        _ = x[0].T
    with pytest.raises(ValueError, match="device"):
        x.to_device("gpu")
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(x))), np.asarray(x))


METHODS = re.findall(
    r"\w+",
    """
    abs add and array_namespace bool complex dlpack dlpack_device eq float floordiv ge getitem gt index int invert le
    lshift lt matmul mod mul ne neg or pos pow rshift setitem sub truediv xor radd rsub rmul rtruediv rfloordiv rmod
    rpow rmatmul rand ror rxor rlshift rrshift iadd isub imul itruediv ifloordiv imod ipow imatmul iand ior ixor
    ilshift irshift
    """,
)


def test_the_array_has_the_methods_of_the_standard():
    theirs = type(strict.asarray(0))
    for name in METHODS:
        method, own = (getattr(array, f"__{name}__") for array in (theirs, xp.Array))
        if inspect.isfunction(method):
            kinds = [[p.kind for p in inspect.signature(f).parameters.values()] for f in (method, own)]
            assert kinds[0][1:] == kinds[1][1:], name
    assert all(hasattr(xp.Array, name) for name in ("dtype", "device", "mT", "ndim", "shape", "size", "T", "to_device"))


def test_in_place_operators_keep_the_array():
    x = xp.asarray([1, 2, 3], dtype=xp.int32)
    same = x
    x += 1
    x *= xp.asarray([2, 2, 2], dtype=xp.int32)
    assert same is x and x.dtype is xp.int32
    np.testing.assert_array_equal(np.asarray(x), [4, 6, 8])
    with pytest.raises(gc.GraphError, match="cannot become"):
        x += 0.5
    with pytest.raises(gc.GraphError, match="cannot become"):
        x += xp.ones((2, 3), dtype=xp.int32)


def test_dtypes_of_numpy_will_do():
    x = xp.ones(2, dtype=np.float32)
    assert x.dtype is xp.float32 and xp.sum(x, dtype=np.dtype("float64")).dtype is xp.float64
    assert xp.astype(x, "int8").dtype is xp.int8 and xp.zeros_like(x, dtype=np.int16).dtype is xp.int16


def test_bad_indices_are_index_errors():
    x = xp.asarray([1.0, 2.0, 3.0])
    for key in (3, -4, xp.asarray([5]), (0, 0), xp.asarray([True, False])):
        with pytest.raises(IndexError):
            x[key]


def test_arrays_of_one_integer_are_bounds_of_slices():
    x = xp.arange(6)
    found = x[x[1] : x[5] : x[2]]
    np.testing.assert_array_equal(np.asarray(found), [1, 3])
    x[: x[2]] = 9
    np.testing.assert_array_equal(np.asarray(x), [9, 9, 2, 3, 4, 5])
    with pytest.raises(TypeError):
        x[: xp.asarray(1.5)]


# --- what is kept ---


def test_one_compiled_function_serves_all_sizes_and_numbers():
    calls._compiled.cache_clear()
    for n in (2, 5, 9):
        x = xp.reshape(xp.arange(n * 3, dtype=xp.float32), (n, 3))
        before = calls._compiled.cache_info().misses
        xp.sum(xp.tan(x + n), axis=0)
        if n > 2:
            assert calls._compiled.cache_info().misses == before
    before = calls._compiled.cache_info().misses
    x + x[:1]  # an axis of size 1 broadcasts, so it is another function
    assert calls._compiled.cache_info().misses > before


def test_another_target_calculates_the_same():
    x = xp.linspace(-1, 1, 5)
    expected = xp.exp(x)
    misses = calls._compiled.cache_info().misses
    with xp.use_target("reference"):
        found = xp.exp(x)
    assert calls._compiled.cache_info().misses == misses + 1
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-15)
    with pytest.raises(gc.TargetError), xp.use_target("abacus"):
        xp.exp(x)


def test_arguments_of_equal_value_and_other_kinds_are_told_apart():
    x = xp.asarray([0, 5], dtype=xp.int64)
    assert (x + 1).dtype is xp.int64 and (x + 1.0).dtype is xp.float64
    assert (
        xp.full(2, 0.0).dtype is xp.float64 and xp.full(2, 0).dtype is xp.int64 and xp.full(2, False).dtype is xp.bool
    )
    assert np.signbit(np.asarray(xp.full(2, -0.0))).all() and not np.signbit(np.asarray(xp.full(2, 0.0))).any()


# --- what other libraries do with it ---

STRATEGIES = make_strategies_namespace(xp, api_version="2023.12")


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    STRATEGIES.arrays(
        STRATEGIES.boolean_dtypes() | STRATEGIES.real_dtypes(), STRATEGIES.array_shapes(max_dims=2, max_side=3)
    )
)
def test_hypothesis_makes_its_arrays(x):
    assert isinstance(x, xp.Array)
    assert bool(xp.all((x == x) | xp.isnan(x)))


SCRIPT = """
import numpy as np, scipy.stats, sklearn
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
import graphc.array_api as xp
random = np.random.default_rng(0)
X, y = random.normal(size=(40, 5)), random.normal(size=40)
with sklearn.config_context(array_api_dispatch=True):
    for model, target, fitted in (
        (PCA(2, svd_solver="full"), None, "explained_variance_"),
        (Ridge(solver="svd"), y, "coef_"),
        (LinearDiscriminantAnalysis(), (y > 0).astype(int), "coef_"),
    ):
        expected = getattr(model.fit(X, target), fitted)
        found = getattr(model.fit(xp.asarray(X), None if target is None else xp.asarray(target)), fitted)
        assert isinstance(found, xp.Array)
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-6, atol=1e-9)
for statistic in (scipy.stats.skew, scipy.stats.kurtosis, scipy.stats.zscore):
    np.testing.assert_allclose(np.asarray(statistic(xp.asarray(y))), statistic(y), rtol=1e-9)
"""


def test_scikit_learn_and_scipy_calculate_with_its_arrays():
    pytest.importorskip("sklearn")
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_the_page_shows_what_is_typed_and_errors_what_is_wrong():
    with pytest.raises(AttributeError, match=re.escape("docs/array_api.md")):
        _ = xp.fft
    with pytest.raises(gc.AxisError, match="test_array_api_namespace"):
        xp.sum(xp.ones((2, 2)), axis=5)
    with pytest.raises(TypeError):
        xp.sum(xp.ones(2), axes=0)
