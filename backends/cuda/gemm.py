"""Matrix products of our own: tiled CUDA C++ for every float dtype and every way that operands lie in memory.

Comes in: a `Gemm` step. Goes out: the kernel's name and text (`matmul.cu` with its blanks filled in), its
launch shape and its size arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from string import Template

from graphc.backends.cuda.notation import type_name
from graphc.backends.cuda.scalars import Value, literal, printed, rounded, widened
from graphc.backends.cuda.schedule import Launch
from graphc.dimension import evaluate
from graphc.kernel import Gemm
from graphc.types import DType

_TILE, _THREADS = 64, 256


def gemm_name(step: Gemm) -> str:
    """`matmul_nt_f32` for f32 operands of which the second is transposed."""
    flags = "".join("t" if transposed else "n" for transposed in (step.transpose_a, step.transpose_b))
    return f"matmul_{flags}_{_dtype(step).short}"


def gemm_text(step: Gemm) -> str:
    """The kernel that a step calls. Threads that follow each other read elements that follow each other."""
    dtype = _dtype(step)
    a = _loaded("a", dtype, "first_row + row", "first_k + inner", "m", "k", step.transpose_a)
    b = _loaded("b", dtype, "first_k + inner", "first_column + column", "k", "n", step.transpose_b)
    template = Template(files(__package__).joinpath("matmul.cu").read_text())
    return template.substitute(
        name=gemm_name(step),
        element=type_name(dtype),
        total=type_name(dtype.compute),
        zero=printed(literal(0, dtype)),
        row_of_a="element % 64" if step.transpose_a else "element / 16",
        inner_of_a="element / 64" if step.transpose_a else "element % 16",
        column_of_b="element / 16" if step.transpose_b else "element % 64",
        inner_of_b="element % 16" if step.transpose_b else "element / 64",
        load_a=a,
        load_b=b,
        result=printed(rounded(Value(dtype.compute, "totals[row][column]"), dtype)),
    )


def gemm_launch(step: Gemm, sizes: Mapping[str, int]) -> tuple[Launch, tuple[int, ...]]:
    """The shape of the launch, and the arguments after the three buffers."""
    batch, m, n, k = (evaluate(size, sizes) for size in (step.batch, step.m, step.n, step.k))
    grid = batch * -(-m // _TILE) * -(-n // _TILE)
    return Launch(grid, _THREADS), (m, n, k, m * k if step.batched_a else 0, k * n if step.batched_b else 0)


def _dtype(step: Gemm) -> DType:
    return step.out.type.dtype


def _loaded(name: str, dtype: DType, row: str, column: str, rows: str, columns: str, transposed: bool) -> str:
    """An element of an operand, in the dtype that the products are summed in."""
    place = f"({column}) * {rows} + {row}" if transposed else f"({row}) * {columns} + {column}"
    return printed(widened(Value(dtype, f"{name}[{place}]")))
