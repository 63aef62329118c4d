"""How far the elementary functions are from the exact value: kernels of one word, points, and references.

python -m tests.llvm.accuracy [points]      # the table, for the processor of this machine
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import scipy.special

from graphc.backends.llvm.build import build
from graphc.backends.llvm.emit import kernel_text
from graphc.backends.llvm.machine import Machine
from graphc.dimension import symbol
from graphc.kernel import Buffer, For, Kernel, Let, Load, Store
from graphc.types import DType, float32, float64

Array = np.ndarray[Any, Any]
UNARY = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "atan", "tanh", "erf", "erfc"),
    *("sqrt", "sigmoid"),
)
EXACT_LONG_DOUBLE = np.finfo(np.longdouble).nmant == 63  # the 80-bit format of x86


class Word:
    """Stands for an op: one word of the vocabulary."""

    def __init__(self, name: str) -> None:
        self.name = name

    def scalar(self, s: Any, *xs: Any) -> Any:
        if self.name == "sigmoid":
            e = s.exp(-s.abs(xs[0]))
            top = s.where(s.less(xs[0], 0), e, 1.0)
            return top - top * (e / (1 + e))
        return getattr(s, self.name)(*xs)


@cache
def compiled(word: str, dtype: DType, machine: Machine) -> Callable[..., Array]:
    """The word as a function of arrays."""
    n, i = symbol("n"), symbol("i")
    inputs = ("x", "y") if word == "pow" else ("x",)
    loads = tuple(Load(name + "_i", name, i) for name in inputs)
    let: Any = Let("z_i", dtype, Word(word), tuple(name + "_i" for name in inputs))  # type: ignore[arg-type]
    body = (For("i", n, (*loads, let, Store("z", i, "z_i")), mapping="vector"),)
    buffers = (*(Buffer(name, dtype, n, "read") for name in inputs), Buffer("z", dtype, n, "write"))
    kernel = Kernel(word, buffers, ("n",), body)
    library = build(kernel_text(kernel, machine), [word], machine=machine)
    types = [ctypes.c_void_p] * len(buffers) + [ctypes.c_int64]
    function = ctypes.CFUNCTYPE(None, *types)(library[word])

    def call(*arrays: Array) -> Array:
        result = np.empty_like(arrays[0])
        function(*(array.ctypes.data for array in (*arrays, result)), result.size)
        return result

    call.library = library  # type: ignore[attr-defined]
    return call


def points(word: str, dtype: DType, count: int, seed: int = 0) -> Array:
    """Bit patterns of all exponents, where the function is interesting, and neighbourhoods of edges."""
    generator = np.random.default_rng(seed)
    unsigned = np.dtype(f"u{dtype.bytes}")
    patterns = generator.integers(0, 1 << dtype.bits, count // 2, dtype=unsigned, endpoint=False).view(dtype.numpy)
    width = {"exp": 0.95, "expm1": 0.95, "erfc": 0.3 if dtype is float32 else 0.09}.get(word, 0.2)
    wide = (110 if dtype is float32 else 760) * width * generator.uniform(-1, 1, count // 4)
    near = generator.normal(size=count // 8) * 1.5
    small = generator.choice([-1, 1], count // 8) * np.exp(generator.uniform(-30, 30, count // 8))
    return np.concatenate([patterns, *(a.astype(dtype.numpy) for a in (wide, near, small)), edges(dtype)])


def edges(dtype: DType) -> Array:
    """Special values and 40 neighbours of thresholds in the algorithms."""
    info = np.finfo(dtype.numpy)
    centres = [
        0.25,
        0.3466,
        0.55,
        0.625,
        2 / 3,
        np.sqrt(0.5),
        0.93,
        1.0,
        4 / 3,
        np.sqrt(2),
        2.0,
        4.0,
        6.0,
        9.0,
        10.05,
    ]
    centres += [
        17.33,
        20.0,
        27.2,
        28.0,
        37.0,
        40.0,
        88.72,
        87.34,
        103.97,
        104.0,
        709.78,
        708.4,
        745.13,
        746.0,
        2**24,
    ]
    centres += [
        2.0**30,
        2.0**31,
        2.0**52,
        2.0**53,
        float(info.max),
        float(info.tiny),
        *(np.pi / 4 * np.arange(1, 9)),
    ]
    steps = np.arange(-20, 21) * float(info.eps)
    with np.errstate(over="ignore"):
        around = np.concatenate([np.array(c * (1 + steps), dtype.numpy) for c in centres])
    subnormal = float(info.smallest_subnormal) * np.arange(0, 20)
    special = [
        np.inf,
        np.nan,
        float(info.smallest_normal),
        float(info.max),
        6381956970095103.0 * 2.0**797,
        *subnormal,
    ]
    with np.errstate(over="ignore"):
        both = np.concatenate([around, np.array(special, dtype.numpy)])
    return np.concatenate([both, -both])


def reference(word: str, *xs: Array) -> Array:
    """The value in a wider format: float64 for float32, the long double of x86 for float64."""
    wide = np.float64 if xs[0].dtype == np.float32 else np.longdouble
    with np.errstate(all="ignore"):
        args = [x.astype(wide) for x in xs]
        if word in ("erf", "erfc"):
            return getattr(scipy.special, word)(args[0]) if wide is np.float64 else _long_erf(word, xs[0])
        if word == "sigmoid":
            e = np.exp(-np.abs(args[0]))
            return np.where(args[0] < 0, e, 1) / (1 + e)
        if word == "pow":
            return np.power(*args)
        return getattr(np, word)(*args)


def _long_erf(word: str, x: Array) -> Array:
    """erfl and erfcl of the C library."""
    text = f"""
declare x86_fp80 @{word}l(x86_fp80)
define void @loop(ptr %x, ptr %y, i64 %n) {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %from = getelementptr double, ptr %x, i64 %i
  %to = getelementptr x86_fp80, ptr %y, i64 %i
  %a = load double, ptr %from
  %wide = fpext double %a to x86_fp80
  %b = call x86_fp80 @{word}l(x86_fp80 %wide)
  store x86_fp80 %b, ptr %to
  %next = add i64 %i, 1
  br label %head
done:
  ret void
}}
"""
    library = build(text, ["loop"])
    result = np.empty(x.size, np.longdouble)
    arguments = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    ctypes.CFUNCTYPE(None, *arguments)(library["loop"])(x.ctypes.data, result.ctypes.data, x.size)
    return result


def ulps(got: Array, exact: Array) -> Array:
    """Errors in units of the last place, infinite where NaN is wrong; infinity is the next power of 2."""
    dtype = got.dtype
    info = np.finfo(dtype)
    limit = exact.dtype.type(2.0) ** info.maxexp
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
        size = np.minimum(np.abs(rounded), info.max)
        unit = np.spacing(size).astype(exact.dtype)
        wide = np.clip(got.astype(exact.dtype), -limit, limit)
        errors = np.abs(wide - np.clip(exact, -limit, limit)) / unit
    errors = np.where(np.isnan(got) | np.isnan(exact), np.where(np.isnan(got) & np.isnan(exact), 0, np.inf), errors)
    opposite = np.isinf(got) & np.isinf(exact) & (got != rounded)
    return np.where(opposite, np.inf, errors).astype(np.float64)


def worst(word: str, dtype: DType, machine: Machine, count: int, seed: int = 0) -> tuple[float, list[float]]:
    """The largest error, and where."""
    xs: tuple[Array, ...] = (points(word, dtype, count, seed),)
    if word == "pow":
        xs = power_points(dtype, count, seed)
    errors = ulps(compiled(word, dtype, machine)(*xs), reference(word, *xs))
    where = int(np.argmax(errors))
    return float(errors[where]), [float(x[where]) for x in xs]


def power_points(dtype: DType, count: int, seed: int = 0) -> tuple[Array, Array]:
    """Bases of all sizes, with exponents that give results of all sizes."""
    generator = np.random.default_rng(seed)
    largest = np.log(float(np.finfo(dtype.numpy).max)) * 1.05
    log = generator.uniform(-1, 1, count) * largest * generator.choice([1, 0.1, 1e-2, 1e-4], count)
    with np.errstate(divide="ignore", over="ignore"):
        base = np.exp(log).astype(dtype.numpy)
        exponent = (generator.uniform(-1, 1, count) * largest / np.log(base.astype(np.float64))).astype(dtype.numpy)
    exponent[::7] = np.round(exponent[::7])
    base[::21] *= -1
    special = np.array([0, 1, 2, 3, 0.5, 1.5, 1e30, np.inf, np.nan, 2.0**23 + 1, 2.0**24, 1e-30], dtype.numpy)
    special = np.concatenate([special, -special])
    first, second = np.meshgrid(special, special)
    return np.concatenate([base, first.ravel()]), np.concatenate([exponent, second.ravel()])


def main() -> None:
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000
    machine = Machine.named(sys.argv[2]) if len(sys.argv) > 2 else Machine.host()
    chunk = 2_000_000
    for dtype in (float32, float64):
        for word in (*UNARY, "pow"):
            results = [worst(word, dtype, machine, chunk, seed) for seed in range(max(1, count // chunk))]
            error, where = max(results, key=lambda r: r[0])
            place = ", ".join(map(repr, where))
            sys.stdout.write(f"{dtype.name} {word:8} {error:6.3f} ulp at {place}\n")


if __name__ == "__main__":
    main()
