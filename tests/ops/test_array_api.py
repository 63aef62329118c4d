"""Functions of `graphc.array_api` on whole arrays beside array-api-strict: shapes, statistics, searches, products."""

import warnings

import array_api_strict as strict
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import graphc.array_api as xp
from tests.ops.test_array_api_elementwise import assert_same

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]
quick = settings(max_examples=25, deadline=None, derandomize=True)


def numbers(dtype):
    """Elements that neither overflow nor cancel where a few are multiplied and added up."""
    return {
        "b": st.booleans(),
        "u": st.integers(0, 5),
        "i": st.integers(-5, 5),
        "f": st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 3.0]),
    }[np.dtype(dtype).kind]


@st.composite
def arrays(draw, shapes=SHAPES, dtypes=DTYPES):
    dtype = draw(st.sampled_from(dtypes))
    return draw(hnp.arrays(dtype, shapes, elements=numbers(dtype)))


def compare(name, args, options=None, module=""):
    """One call in both namespaces: the same result (zeros of products may have any sign), or an error in both."""
    options = options or {}
    ours, theirs = (getattr(space, module) if module else space for space in (xp, strict))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = getattr(theirs, name)(*_made(strict, args), **_made(strict, options))
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, TypeError):
            return  # stricter than the standard demands
        with pytest.raises((ValueError, IndexError)):
            getattr(ours, name)(*_made(xp, args), **_made(xp, options))
        return
    found = getattr(ours, name)(*_made(xp, args), **_made(xp, options))
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, wanted in zip(found, expected, strict=True):
            assert_same(one, wanted, ulps=64, signs=False)
    else:
        assert_same(found, expected, ulps=64, signs=False)


def _made(space, values):
    """Arguments with the arrays and dtypes of a namespace."""
    if isinstance(values, dict):
        return {key: _made(space, value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_made(space, value) for value in values)
    if isinstance(values, np.ndarray):
        return space.asarray(values)
    return getattr(space, values.name) if isinstance(values, np.dtype) else values


def axis_of(draw, x, several=True):
    """None, an axis, or a tuple of axes."""
    if not x.ndim:
        return None
    one = st.integers(-x.ndim, x.ndim - 1)
    many = st.lists(st.integers(0, x.ndim - 1), unique=True, min_size=1).map(tuple)
    return draw(st.none() | one | many if several else one)


# --- statistics and searches ---


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "any", "all", "count_nonzero"])
@quick
@given(arrays(), st.data())
def test_reductions(name, x, data):
    if name in ("max", "min") and (0 in x.shape or x.dtype == bool):
        return
    compare(name, [x], {"axis": axis_of(data.draw, x), "keepdims": data.draw(st.booleans())})


@pytest.mark.parametrize("name", ["sum", "prod"])
@quick
@given(arrays(dtypes=["uint8", "int32", "int64", "float32"]), st.sampled_from(["int32", "int64", "float32", "float64"]))
def test_reductions_in_another_dtype(name, x, dtype):
    compare(name, [x], {"dtype": np.dtype(dtype)})


@pytest.mark.parametrize("name", ["var", "std"])
@quick
@given(arrays(dtypes=["float32", "float64"]), st.data())
def test_deviations(name, x, data):
    options = {"axis": axis_of(data.draw, x), "correction": data.draw(st.sampled_from([0.0, 1.0, 0.5]))}
    compare(name, [x], {**options, "keepdims": data.draw(st.booleans())})


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@quick
@given(arrays(shapes=hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=4), dtypes=DTYPES[1:]), st.data())
def test_running_totals(name, x, data):
    axis = 0 if x.ndim == 1 else data.draw(st.integers(-x.ndim, x.ndim - 1))
    compare(name, [x], {"axis": axis, "include_initial": data.draw(st.booleans())})


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@quick
@given(arrays(shapes=hnp.array_shapes(max_dims=3, max_side=3), dtypes=DTYPES[1:]), st.data())
def test_places_of_extremes(name, x, data):
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    compare(name, [x], {"axis": axis, "keepdims": data.draw(st.booleans())})


@quick
@given(arrays(shapes=hnp.array_shapes(max_dims=2, max_side=4), dtypes=DTYPES[1:]), st.data())
def test_differences(x, data):
    compare("diff", [x], {"axis": data.draw(st.integers(-x.ndim, x.ndim - 1)), "n": data.draw(st.integers(0, 2))})


# --- creation ---


@quick
@given(st.integers(-9, 9), st.integers(-9, 9), st.sampled_from([-3, -1, 1, 2]))
def test_ranges_of_integers(start, stop, step):
    compare("arange", [start, stop, step])
    compare("arange", [abs(start)], {"dtype": np.dtype("float32")})


@quick
@given(st.floats(-9, 9), st.floats(-9, 9), st.sampled_from([-0.7, 0.1, 1.0, 2.5]))
def test_ranges_of_floats(start, stop, step):
    found, expected = np.asarray(xp.arange(start, stop, step)), np.arange(start, stop, step)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@quick
@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(0, 9), st.booleans())
def test_even_spacing(start, stop, num, endpoint):
    found = xp.linspace(start, stop, num, endpoint=endpoint)
    np.testing.assert_allclose(
        np.asarray(found), np.linspace(start, stop, num, endpoint=endpoint), rtol=1e-13, atol=1e-12
    )
    if endpoint and num > 1:
        assert float(found[-1]) == stop


@quick
@given(st.integers(0, 4), st.none() | st.integers(0, 4), st.integers(-5, 5), st.sampled_from(DTYPES))
def test_unit_matrices(rows, columns, k, dtype):
    compare("eye", [rows, columns], {"k": k, "dtype": np.dtype(dtype)})


@quick
@given(SHAPES, st.sampled_from([True, 3, -2.5]), st.none() | st.sampled_from(["float32", "float64"]))
def test_filled_arrays(shape, value, dtype):
    options = {} if dtype is None else {"dtype": np.dtype(dtype)}
    compare("full", [shape, value], options)
    compare("zeros", [shape], options)
    compare("ones", [shape], options)
    x = np.ones(shape, "int32")
    for name in ("zeros_like", "ones_like"):
        compare(name, [x], options)
    compare("full_like", [x, 7], options)
    assert xp.empty(shape).shape == xp.empty_like(xp.asarray(x)).shape == shape


@quick
@given(arrays(shapes=hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4)), st.integers(-4, 4))
def test_triangles(x, k):
    compare("tril", [x], {"k": k})
    compare("triu", [x], {"k": k})


@quick
@given(st.lists(arrays(shapes=hnp.array_shapes(min_dims=1, max_dims=1), dtypes=["float64"]), max_size=3), st.booleans())
def test_grids(xs, matrix_order):
    if xs:
        compare("meshgrid", xs, {"indexing": "ij" if matrix_order else "xy"})


def test_arrays_from_sequences_and_scalars():
    for obj in (1, 1.5, True, [1, 2], [[1.0], [2.0]], [], [True, False]):
        compare("asarray", [obj])
    x = xp.asarray([1, 2])
    assert xp.asarray(x) is x and xp.asarray(x, copy=True) is not x
    assert xp.asarray(x, dtype=xp.float32).dtype is xp.float32
    assert_same(xp.asarray([[x[0], 3], [x[1], 4]]), np.asarray([[1, 3], [2, 4]]))
    with pytest.raises(ValueError, match="copy=False"):
        xp.asarray([1.0], copy=False)
    with pytest.raises(ValueError, match="device"):
        xp.zeros(3, device="gpu")
    assert_same(xp.from_dlpack(np.arange(3.0)), np.arange(3.0))
    np.testing.assert_array_equal(np.from_dlpack(xp.arange(3)), [0, 1, 2])


# --- shapes and orders ---


@quick
@given(arrays(), st.data())
def test_axes_come_and_go(x, data):
    axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
    compare("expand_dims", [x], {"axis": axis})
    ones = tuple(a for a, n in enumerate(x.shape) if n == 1)
    compare("squeeze", [x, ones])
    compare("permute_dims", [x, tuple(data.draw(st.permutations(range(x.ndim))))])
    compare("flip", [x], {"axis": axis_of(data.draw, x)})
    if x.ndim:
        place = st.integers(-x.ndim, x.ndim - 1)
        compare("moveaxis", [x, data.draw(place), data.draw(place)])
        compare("unstack", [x], {"axis": data.draw(place)})


@quick
@given(arrays(), st.data())
def test_rolling(x, data):
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    compare("roll", [x, data.draw(st.integers(-5, 5))], {"axis": axis})
    if x.ndim > 1:
        compare("roll", [x, (1, -2)], {"axis": (0, 1)})


@quick
@given(arrays(), st.data())
def test_repetition(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    compare("repeat", [x, data.draw(st.integers(0, 3))], {"axis": axis})
    compare("tile", [x, tuple(data.draw(st.lists(st.integers(0, 2), max_size=3)))])
    if x.ndim:
        counts = data.draw(st.lists(st.integers(0, 3), min_size=x.shape[axis], max_size=x.shape[axis]))
        compare("repeat", [x, np.array(counts, np.int64)], {"axis": axis})


@quick
@given(arrays(), st.data())
def test_reshaping(x, data):
    compare("reshape", [x, (x.size,)])
    compare("reshape", [x, (1, *reversed(x.shape))])
    if x.size:
        compare("reshape", [x, (-1,)])
    compare("broadcast_to", [x, (2, *x.shape)])
    with pytest.raises(ValueError, match="copy=False"):
        xp.reshape(xp.asarray(x), (x.size,), copy=False)


@quick
@given(arrays(shapes=hnp.array_shapes(min_dims=1, max_dims=2, max_side=3), dtypes=DTYPES[1:]), st.data())
def test_joining(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    compare("concat", [[x, x]], {"axis": axis})
    compare("concat", [[x, x[:, None] if x.ndim == 1 else x]], {"axis": None})
    compare("stack", [[x, x]], {"axis": data.draw(st.integers(-x.ndim - 1, x.ndim))})
    compare("broadcast_arrays", [x, x[:1]])


# --- indexing ---


@st.composite
def indices(draw, shape):
    parts = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        choices = [st.slices(n)]
        if n:
            choices.append(st.integers(-n, n - 1))
        parts.append(draw(st.one_of(*choices)))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if draw(st.booleans()):
        parts.append(...)
    return tuple(parts)


@quick
@given(arrays(), st.data())
def test_elements_are_read_and_written(x, data):
    key = data.draw(indices(x.shape))
    ours = xp.asarray(x)
    assert_same(ours[key], x[key])
    new = np.asarray(1, x.dtype)
    changed = x.copy()
    changed[key] = new
    ours = xp.asarray(x)
    ours[key] = xp.asarray(new)
    assert_same(ours, changed)


@quick
@given(arrays(), st.data())
def test_masks(x, data):
    mask = data.draw(hnp.arrays(bool, x.shape))
    ours = xp.asarray(x)
    assert_same(ours[xp.asarray(mask)], x[mask])
    changed = x.copy()
    changed[mask] = 1
    ours[xp.asarray(mask)] = True if x.dtype == bool else 1
    assert_same(ours, changed)


@quick
@given(arrays(shapes=hnp.array_shapes(max_dims=3, max_side=4)), st.data())
def test_taking(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    places = np.array(data.draw(st.lists(st.integers(-n, n - 1), max_size=4)), np.int64)
    compare("take", [x, places], {"axis": axis})
    along = data.draw(hnp.arrays("int64", x.shape, elements=st.integers(0, n - 1)))
    compare("take_along_axis", [x, along], {"axis": axis})
    assert_same(xp.asarray(x)[xp.asarray(np.zeros(2, np.int64))], x[[0, 0]])


# --- products ---


@st.composite
def factors(draw):
    """Two arrays that `matmul` accepts."""
    m, k, n = (draw(st.integers(0, 3)) for _ in range(3))
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=2)).input_shapes
    left = (k,) if draw(st.booleans()) else (*shapes[0], m, k)
    right = (k,) if draw(st.booleans()) else (*shapes[1], k, n)
    dtype = draw(st.sampled_from(["int32", "float32", "float64"]))
    return tuple(draw(hnp.arrays(dtype, shape, elements=numbers(dtype))) for shape in (left, right))


@quick
@given(factors())
def test_matrix_products(pair):
    compare("matmul", pair)
    if pair[0].ndim > 1:
        compare("matrix_transpose", [pair[0]])
        assert_same(xp.asarray(pair[0]).mT, np.matrix_transpose(pair[0]))


@quick
@given(arrays(dtypes=["int32", "float64"]), arrays(dtypes=["int32", "float64"]), st.integers(0, 2))
def test_tensor_products(x, y, axes):
    y = y.astype(x.dtype)
    compare("tensordot", [x, y], {"axes": axes})
    compare("tensordot", [x, x], {"axes": (tuple(range(x.ndim)), tuple(range(x.ndim)))})
    compare("outer", [x.ravel(), y.ravel()], module="linalg")


@quick
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=3, max_side=3), st.data())
def test_vector_products(shapes, data):
    x, y = (data.draw(hnp.arrays("float64", shape, elements=numbers("float64"))) for shape in shapes.input_shapes)
    compare("vecdot", [x, y])
    three = [np.stack([v, v + 1, v * 2], axis=-1) for v in (x, y)]
    compare("cross", three, module="linalg")


@quick
@given(arrays(shapes=hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4), dtypes=["float64"]), st.data())
def test_diagonals(x, data):
    offset = data.draw(st.integers(-4, 4))
    compare("diagonal", [x], {"offset": offset}, module="linalg")
    compare("trace", [x], {"offset": offset}, module="linalg")


# --- order and data-dependent sizes ---


@quick
@given(arrays(shapes=hnp.array_shapes(max_dims=3, max_side=4), dtypes=DTYPES[1:]), st.data())
def test_sorting(x, data):
    options = {"axis": data.draw(st.integers(-x.ndim, x.ndim - 1)), "descending": data.draw(st.booleans())}
    compare("sort", [x], options)
    compare("argsort", [x], options)


@quick
@given(st.data())
def test_places_in_a_sorted_array(data):
    sorted_one = np.sort(data.draw(arrays(shapes=hnp.array_shapes(max_dims=1), dtypes=["float64"])))
    x = data.draw(arrays(dtypes=["float64"]))
    compare("searchsorted", [sorted_one, x], {"side": data.draw(st.sampled_from(["left", "right"]))})


@quick
@given(arrays(dtypes=DTYPES[1:]))
def test_different_elements(x):
    compare("unique_values", [x])
    compare("unique_counts", [x])
    compare("unique_inverse", [x])
    compare("unique_all", [x])
    if x.ndim:
        compare("nonzero", [x])


def test_nan_is_different_from_nan():
    x = np.array([np.nan, 1.0, np.nan, 1.0])
    compare("unique_counts", [x])
