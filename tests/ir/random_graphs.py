"""Random graphs with every op, dtype and kind of constant, as Hypothesis strategies."""

import dataclasses
import functools
import warnings

import hypothesis.strategies as st
import numpy as np

import graphc as gc
from graphc.ir.leaf import Constant
from graphc.ir.node import make
from graphc.ir.op import OPS
from graphc.ops import conversion, convolution, indexing, movement, position, windows
from graphc.ops.base import Elementwise, LibraryOp
from graphc.ops.cumulative import Cumulative
from graphc.ops.indexing import Putting
from graphc.types import DTYPES, TensorType

LEAVES = ("input", "parameter", "constant")
SHAPES = [(), (3,), (2, 3), ("n",), ("n", 3), (2, "n+1"), (1, 3), (0, 2), ("n", "m")]
NAMES = ("x", "y", "w.1", "_a", "hidden", "x.1", "inf", "graph", "return")


def of_graphc(op):
    """Whether it is one of graphc's own ops: tests define others."""
    return op.__module__.startswith("graphc.")


def axes_of(draw, x, least=1):
    return tuple(sorted(draw(st.sets(st.integers(0, x.ndim - 1), min_size=least))))


def over_axes(op):
    return lambda draw, x: make(op(axes_of(draw, x)), *[x] * op.arity)


def over_one_axis(op):
    return lambda draw, x: make(op(draw(st.integers(0, x.ndim - 1))), x)


def expanded(draw, x):
    axis = tuple(sorted(draw(st.sets(st.integers(0, x.ndim), min_size=1, max_size=1))))
    return make(conversion.Expand(axis, (draw(st.sampled_from([1, 2, 3])),)), x)


def sliced(draw, x):
    ranges = [(0, n, 1) if draw(st.booleans()) else (n - 1, n, -1) for n in x.shape]
    return make(movement.Slice(*zip(*ranges, strict=True)), x)


def padded(draw, x):
    before = tuple(draw(st.integers(0, 2)) for _ in x.shape)
    value = draw(st.sampled_from([0.0, -0.0, 1.5, np.inf, -np.inf, np.nan, 1e-30]))
    shape = tuple(b + n + 1 for b, n in zip(before, x.shape, strict=True))
    return make(movement.Pad(before, (1,) * x.ndim, shape, value), x)


def indices_for(draw, shape):
    dtype = draw(st.sampled_from([d for d in DTYPES if d.is_integer]))
    return draw(constants(TensorType(dtype, shape)))


def taken(draw, x):
    return make(indexing.Take(draw(st.integers(0, x.ndim - 1))), x, indices_for(draw, (2, 2)))


def scattered(draw, x):
    axis = draw(st.integers(0, x.ndim - 1))
    return make(indexing.ScatterAdd(axis, 5), x, indices_for(draw, (x.shape[axis],)))


def multiplied(draw, x):
    return make(OPS["matmul"](), x, movement.transpose(x)) if x.ndim == 2 else make(OPS["negative"](), x)


def counted(draw, x):
    size = draw(st.sampled_from([0, 3, gc.input("s", ("2*n-1",)).shape[0]]))
    dtype = draw(st.sampled_from([d for d in DTYPES if d is not gc.bool_]))
    return make(draw(st.sampled_from([position.Iota, position.Extent]))(size, dtype))


def sheared(draw, x):
    step = draw(st.sampled_from([-1, 0, 2]))
    return make(windows.Shear((0,), (1,), (step,), (2 if step < 0 else 0,), (1,)), x)


def convolved(draw, x):
    image = conversion.expand(x, range(4 - x.ndim), (1,) * (4 - x.ndim))
    op = convolution.Conv((draw(st.integers(-2, 1)),), *((draw(st.integers(1, 2)),) for _ in range(4)))
    return make(op, image, draw(constants(TensorType(x.dtype, (image.shape[1], 2, image.shape[2], 2)))))


def windowed(draw, x):
    steps = [(draw(st.integers(1, 2)),) for _ in range(3)]
    return make(windows.Windows((0,), (1,), *steps), x)


def put(draw, x, op):
    places = [indices_for(draw, (2,)) for _ in range(draw(st.integers(1, x.ndim)))]
    return make(op(0), x, draw(constants(TensorType(x.dtype, (2, *x.shape[len(places) :])))), *places)


def running(draw, x, op):
    others = [draw(constants(x.type)) for _ in op.steps[1:]]
    return make(op(draw(st.integers(0, x.ndim - 1)), draw(st.booleans())), x, *others)


RECIPES = {
    "gather": lambda draw, x: make(indexing.Gather(0), x, *(indices_for(draw, (2, 1)) for _ in x.shape)),
    **{op.name: functools.partial(put, op=op) for op in Putting.__subclasses__()},
    **{op.name: functools.partial(running, op=op) for op in Cumulative.__subclasses__()},
    "windows": windowed,
    "merge": lambda draw, x: make(windows.Merge((0,)), x),
    "shear": sheared,
    "conv": convolved,
    "expand": expanded,
    "reshape": lambda draw, x: make(conversion.Reshape((x.size,)), x),
    "transpose": lambda draw, x: make(movement.Transpose(tuple(draw(st.permutations(range(x.ndim))))), x),
    "slice": sliced,
    "pad": padded,
    "concat": lambda draw, x: make(movement.Concat(0), *[x, *(draw(constants(x.type)) for _ in range(2))]),
    "matmul": multiplied,
    "take": taken,
    "scatter_add": scattered,
    "take_along_axis": lambda draw, x: make(indexing.TakeAlongAxis(0), x, indices_for(draw, x.shape)),
    "scatter_add_along_axis": lambda draw, x: make(indexing.ScatterAddAlongAxis(0, 4), x, indices_for(draw, x.shape)),
    "iota": counted,
    "extent": counted,
}


def drawable():
    """The names of the ops of random graphs: those that are told by their attributes, or have a recipe."""
    return sorted(name for name, op in OPS.items() if of_graphc(op) and name not in LEAVES and _has_recipe(op))


def _has_recipe(op):
    kinds = {field.name: field.type for field in dataclasses.fields(op)}
    if issubclass(op, Elementwise):
        return not kinds or op.name == "cast"
    if issubclass(op, LibraryOp):
        return False
    return op.name in RECIPES or (op.arity == 1 and kinds in ({"axis": "Axes"}, {"axis": "int"}))


def recipe(op):
    """How to apply an op that is not elementwise: reductions are told by their attribute."""
    kinds = {field.name: field.type for field in dataclasses.fields(op)}
    if kinds == {"axis": "Axes"}:
        return RECIPES.get(op.name) or over_axes(op)
    if kinds == {"axis": "int"} and op.arity == 1:
        return over_one_axis(op)
    return RECIPES[op.name]


def elements(dtype):
    """Elements of a dtype by their bits, the special ones often."""
    if dtype.kind == "b":
        return st.booleans().map(np.bool_)
    special = [0, 1, -1] if dtype.kind == "i" else [0, 1]
    if dtype.is_float:
        special = [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, 5e-324, 0.1, 65504.0, 1e300]
    with np.errstate(over="ignore"):
        known = [dtype.numpy.type(v) for v in special]
    bits = st.binary(min_size=dtype.bytes, max_size=dtype.bytes)
    return st.one_of(st.sampled_from(known), bits.map(lambda raw: np.frombuffer(raw, dtype.numpy)[0]))


@st.composite
def constants(draw, type_):
    """A constant of a type: one element for all, or an array of different ones."""
    known = all(isinstance(n, int) for n in type_.shape)
    if not known or not type_.shape or draw(st.booleans()):
        return make(Constant(type_, np.array(draw(elements(type_.dtype)), type_.dtype.numpy)))
    size = int(np.prod(type_.shape))
    values = draw(st.lists(elements(type_.dtype), min_size=size, max_size=size))
    return gc.constant(np.array(values, type_.dtype.numpy).reshape(type_.shape))


def operand(draw, pool, type_):
    """An operand of a type: from the pool, or a constant."""
    fitting = [node for node in pool if node.type == type_]
    return draw(st.sampled_from(fitting)) if fitting and draw(st.booleans()) else draw(constants(type_))


def applied(draw, pool, name):
    """A node of the named op on nodes of the pool; None where it does not fit them."""
    op = OPS[name]
    admits = getattr(op, "admits", lambda dtype: True)
    fitting = [node for node in pool if admits(node.dtype)]
    accepted = st.sampled_from([d for d in DTYPES if admits(d)])
    x = draw(st.sampled_from(fitting)) if fitting else draw(constants(TensorType(draw(accepted), (2, 3))))
    if not issubclass(op, Elementwise):
        if name not in ("iota", "extent", "expand", "reshape", "matmul") and not x.ndim:
            return None
        try:
            return recipe(op)(draw, x)
        except gc.GraphcError:
            return None
    attributes = {"dtype": draw(st.sampled_from(DTYPES))} if name == "cast" else {}
    conditions = [operand(draw, pool, x.type.with_dtype(gc.bool_)) for _ in range(op.conditions)]
    others = [operand(draw, pool, x.type) for _ in range(op.arity - op.conditions - 1)]
    values = [x, *others] if draw(st.booleans()) else [*others, x]
    return make(op(**attributes), *conditions, *values)


@st.composite
def graphs(draw, names=None, most=12):
    """A graph of the named ops, of all by default."""
    names = names or drawable()
    labels = draw(st.permutations(NAMES))
    inputs = [
        make(
            OPS["input"](
                label,
                TensorType(draw(st.sampled_from(DTYPES)), gc.types.as_shape(draw(st.sampled_from(SHAPES)))),
            )
        )
        for label in labels[: draw(st.integers(1, 4))]
    ]
    parameters = [
        gc.parameter(draw(st.sampled_from(NAMES)), np.zeros(draw(st.sampled_from([(), (3,), (2, 3)])), "float32"))
        for _ in range(draw(st.integers(0, 2)))
    ]
    pool = [*inputs, *parameters]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.PromotionWarning)
        for _ in range(draw(st.integers(0, most))):
            node = applied(draw, pool, draw(st.sampled_from(names)))
            if node is not None:
                pool.append(node)
    outputs = [pool[-1], *draw(st.lists(st.sampled_from(pool), max_size=3))][: draw(st.integers(0, 4))]
    updates = tuple((p, operand(draw, pool, p.type)) for p in parameters if draw(st.booleans()))
    named = {node: draw(st.sampled_from(NAMES)) for node in pool if draw(st.booleans())}
    return gc.Graph(draw(st.sampled_from(["f", "step", "_g.1"])), tuple(inputs), tuple(outputs), updates, named)
