"""`log(sum(exp(x)))` of each row as a textbook prints it; peers compute it as written, overflow included."""

from typing import Any

from benchmarks.case import Case
from benchmarks.cases.softmax import inputs
from benchmarks.formulas import formulas


def naive(library: Any, x: Any) -> Any:
    return library.log(library.sum(library.exp(x), axis=1))


CASE = Case(
    name="logsumexp",
    title="naive log-sum-exp of rows",
    sizes={"4096x1024": (4096, 1024)},
    make_inputs=inputs,
    implementations=formulas(graphc=naive, numpy=naive, torch=naive, jax=naive, pytensor=naive),
    notes=("all are given the naive formula; graphc and PyTensor also make it safe from overflow.",),
)
