"""What there is of the standard, as the table in docs/array_api.md: `python -m graphc.array_api.coverage` writes it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping

import graphc
from graphc import array_api
from graphc.array_api.signatures import CONSTANTS, DTYPES, FUNCTIONS, LINALG, MISSING

REMARKS = {
    "asarray": "in a graph, floats without a dtype are float64, as in NumPy",
    "empty": "filled with zeros",
    "empty_like": "filled with zeros",
    **dict.fromkeys(["real", "conj"], "the array itself: there are no complex numbers"),
    "imag": "zeros: there are no complex numbers",
    **dict.fromkeys(
        ["arange", "eye", "full", "linspace", "ones", "zeros"], "floats without a dtype are float64, in a graph float32"
    ),
    "from_dlpack": "in a graph, arrays become constants",
    "repeat": "counts that are computed in a graph need `total=`",
    "nonzero": "in a graph with `size=`",
    **dict.fromkeys(
        ["unique_all", "unique_counts", "unique_inverse", "unique_values"], "ascending; in a graph with `size=`"
    ),
    **dict.fromkeys(["floor_divide", "remainder"], "integers divided by 0 give 0"),
}
"""What is worth knowing about a name."""

_IN_A_GRAPH = {"from_dlpack": "constant"}
"""Names that are others on symbolic arrays."""


def rows() -> list[tuple[str, str, str, str]]:
    """Name with parameters, where it is eagerly, where in graphs, and a remark or the reason why it is missing."""
    listed: Mapping[str, inspect.Signature | None] = {
        **dict.fromkeys(CONSTANTS),
        **dict.fromkeys(DTYPES),
        **FUNCTIONS,
        **{f"linalg.{name}": signature for name, signature in LINALG.items()},
        "fft": None,
    }
    return [_row(name, signature) for name, signature in listed.items()]


def _row(name: str, signature: inspect.Signature | None) -> tuple[str, str, str, str]:
    module, _, last = name.rpartition(".")
    symbolic = _IN_A_GRAPH.get(name, last)
    eager = hasattr(getattr(array_api, module) if module else array_api, last)
    in_graphs = [f"{prefix}{symbolic}" for prefix in ("", "linalg.") if _has(prefix, symbolic)]
    if module:
        in_graphs.reverse()
    return (
        f"`{name}{signature or ''}`",
        "yes" if eager else "no",
        f"`gc.{in_graphs[0]}`" if in_graphs else "no",
        MISSING.get(name) or REMARKS.get(name, ""),
    )


def _has(prefix: str, name: str) -> bool:
    return hasattr(graphc.linalg if prefix else graphc, name) and name not in MISSING


def table() -> str:
    """The rows in Markdown."""
    lines = ["| name | `graphc.array_api` | in a graph | |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows())]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
