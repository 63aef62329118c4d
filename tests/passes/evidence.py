"""What is known of every rewrite beyond its proof: accuracy at many hard points in every dtype, special values.

    python -m tests.passes.evidence [NAME ...]     measures what has changed since, or the rewrites named

The results are written to `passes/rules/evidence.json`, which the command line and the generated pages show. A
rewrite is measured again when its formula changes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.interpret import evaluate_nodes
from graphc.ir.node import Node, topological
from graphc.ir.printer import format_graph
from graphc.ir.rule import Rewrite, Rule
from graphc.numerics.evidence import PATH
from graphc.passes.rules import ALL
from graphc.types import as_dtype
from tests.passes.accuracy import Comparison, compare
from tests.passes.hard_points import Array, hard_points
from tests.passes.infix import formula
from tests.passes.regions import region
from tests.passes.rule_samples import DTYPES, Instance, cases, firings, graph_of, has_rows, instances
from tests.passes.special_values import differences

POINTS = 10_000
SAMPLE = 400
MOST = {"float16": 400, "bfloat16": 400, "float32": 400, "float64": 300}
"""How many points need the exact value by mpmath at most; others of the same region are left out."""
MOST_DIFFERENCES = 8


def measure(rewrite: Rewrite, points: int = POINTS, sample: int = SAMPLE) -> dict[str, Any]:
    """All findings about one rewrite."""
    found: dict[str, Any] = {"fingerprint": fingerprint(rewrite)}
    if rewrite.kind == "exact":
        counts = {dtype: _bits_that_differ(rewrite, dtype, points) for dtype in DTYPES}
        found["exact"] = {dtype: {"points": n, "differ": bad} for dtype, (n, bad) in counts.items() if n}
        return found
    found["accuracy"] = {}
    for dtype in DTYPES:
        pairs = zip(instances(rewrite, dtype), instances(rewrite, "float64"), strict=False)
        measured = [_accuracy(i, wide, dtype, points, sample, allowance(rewrite)) for i, wide in pairs]
        if measured:
            found["accuracy"][dtype] = _joined(measured)
    if not isinstance(rewrite, Rule):
        found["examples"] = [formula(i.before, i.after) for i in instances(rewrite, "float32")]
    if rewrite.kind == "stabilizing":
        tables = [differences(i, as_dtype("float32").numpy) for i in instances(rewrite, "float32")]
        shown = [[d.given, d.before, d.after, d.kind] for table in tables for d in table]
        found["special"] = sorted(shown, key=lambda row: (row[3], row[0]))[: MOST_DIFFERENCES * max(1, len(tables))]
    return found


def allowance(rewrite: Rewrite) -> dict[str, float]:
    """By how many units a result may be worse than before, and of which number if the result is smaller."""
    if rewrite.name in CANCELS:
        return {"allowed": 4.0, "scale": CANCELS[rewrite.name]}
    return {"allowed": IN_ROWS if has_rows(rewrite) else LUCK.get(rewrite.name, 1.0)}


IN_ROWS = 3.0
"""Every sum of a row rounds, in its own order."""
LUCK = {
    "density_beside_erfc": 2.0,
    "difference_of_waves": 2.0,
    "erfc_over_exp_of_minus_square": 2.0,
    "exp_of_square_times_erfc": 2.0,
    "log_of_difference_of_ndtr": 3.0,
    "ndtr_over_its_density": 2.0,
    "inverse_less_inverse_of_expm1": 2.0,
    "quotient_of_bessel": 2.0,
    "root_of_square_and_constant": 2.0,
}
"""Before and after are quotients or products of functions, each of which is right to a unit."""
CANCELS = {
    "log_mean_exp": 1.0,
    "log_of_difference_of_erfc": 1.0,
    "log_of_powers": 256.0,
    "log_of_running_product": 256.0,
}
"""A sum of logarithms where the logarithm of a product stood: it may cancel, as log(n) does in a mean near 1. What is
counted are units of the largest term."""


LEFT_OUT = {
    "quotient_of_sums": "where shares are subnormal, and weights so large that these matter",
}
"""What is known to be worse at some points."""


def fingerprint(rewrite: Rewrite) -> str:
    """Changes with the formula of a rewrite."""
    shown = [str(rewrite), rewrite.kind]
    for instance in instances(rewrite, "float32"):
        shown += [format_graph(graph_of(node)) for node in (instance.before, instance.after)]
    return sha256("\n".join(shown).encode()).hexdigest()[:12]


def _accuracy(
    instance: Instance, wide: Instance, dtype: str, points: int, sample: int, allowed: dict[str, float]
) -> dict[str, Any]:
    many = 1 << 16 if dtype in ("float16", "bfloat16") and _single(instance) and points >= POINTS else points
    given = hard_points(instance.inputs, many, 1, [instance.before, instance.after])
    sides = (instance.before, instance.after)
    other = wide if dtype != "float64" else None
    found = compare(*sides, instance.inputs, given, sample, most=MOST[dtype], wide=other, **allowed)
    return {
        "points": len(found.before),
        "judged": len(found.judged),
        "before": _worst(found.bits_before),
        "after": _worst(found.bits_after),
        "rescued": int(found.rescued.sum()),
        "worse": len(found.worse),
        "where": _where(found, given),
    }


def _single(instance: Instance) -> bool:
    return len(instance.inputs) == 1 and not instance.rows


def _worst(bits: Array) -> float:
    known = bits[~np.isnan(bits)]
    return round(float(known.max()), 1) if len(known) else 0.0


def _where(found: Comparison, points: dict[str, Array]) -> str:
    """Where results that were wrong are right now; what is not judged differs by a unit at most, or was left out."""
    failed = np.zeros(len(found.before), bool)
    failed[found.judged[found.rescued]] = True
    known = np.ones(len(failed), bool)
    known[found.left_out] = False
    return region({name: value[known] for name, value in points.items()}, failed[known])


def _joined(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings about several formulas as one."""
    total = {key: sum(found[key] for found in measured) for key in ("points", "judged", "rescued", "worse")}
    worst = {key: max(found[key] for found in measured) for key in ("before", "after")}
    texts = dict.fromkeys(found["where"] for found in measured if found["where"])
    return {**total, **worst, "where": "; ".join(texts)}


def _bits_that_differ(rewrite: Rewrite, dtype: str, points: int) -> tuple[int, int]:
    """How many elements were compared bit for bit, and how many of them differ."""
    total = bad = 0
    for before, after in _exact_pairs(rewrite, dtype):
        graph = graph_of(before, after)
        rng = np.random.default_rng(5)
        size, rounds, counted = _size(before, 1), 0, 0
        named = max(1, points // 100 // max(1, size))
        while counted < points and rounds < 400:
            bindings = {node: _drawn(rng, node, named) for node in graph.inputs}
            old, new = evaluate_nodes([before, after], bindings)
            with np.errstate(invalid="ignore"):
                nan = (old != old) & (new != new)
                signs = np.signbit(old) == np.signbit(new) if old.dtype.kind not in "biu" else True
                bad += int((~(nan | ((old == new) & signs))).sum())
            counted += max(1, old.size)
            rounds += 1
        total += counted
    return total, bad


def _exact_pairs(rewrite: Rewrite, dtype: str) -> Iterable[tuple[Node, Node]]:
    if isinstance(rewrite, Rule):
        return [(i.before, i.after) for i in instances(rewrite, dtype)]
    return _pairs_of_cases(rewrite.name).get(dtype, [])


def _pairs_of_cases(name: str) -> dict[str, list[tuple[Node, Node]]]:
    if not _CASES:
        for text in cases():
            for dtype in DTYPES:
                name = as_dtype(dtype).short
                if name in text or "f32[" in text or dtype == "float32":
                    _collect(text.replace("f32[", f"{name}["), dtype)
    return _CASES.get(name, {})


_CASES: dict[str, dict[str, list[tuple[Node, Node]]]] = {}
FEW = 3


def _collect(text: str, dtype: str) -> None:
    """What exact rewriters do to a graph of `tests/ir`; another dtype may not fit all of its ops."""
    try:
        found = list(firings(text, "canonicalize,simplify"))
    except GraphcError:
        return
    for firing in found:
        pairs = _CASES.setdefault(firing.rule.name, {}).setdefault(dtype, [])
        if len(pairs) < FEW and all(node.op.name != "parameter" for node in topological([firing.before])):
            pairs.append((firing.before, firing.after))


def _size(node: Node, named: int) -> int:
    shape = node.type.concrete_shape(dict.fromkeys(map(str, node.type.symbols), named))
    return int(np.prod(shape))


def _drawn(rng: np.random.Generator, node: Node, named: int) -> Array:
    shape = node.type.concrete_shape(dict.fromkeys(map(str, node.type.symbols), named))
    if not node.dtype.is_float:
        return np.asarray(rng.integers(0, 3 if node.dtype.kind != "b" else 2, shape)).astype(node.dtype.numpy)
    special = rng.choice([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 3.0], shape)
    with np.errstate(over="ignore", under="ignore"):
        wide = np.ldexp(rng.normal(size=shape), rng.integers(-149, 127, shape))
        return np.where(rng.random(shape) < 0.4, special, wide).astype(node.dtype.numpy)


def main(names: list[str]) -> None:
    """Measure, and write after each rewrite, so that an interrupted run goes on where it was."""
    known = json.loads(PATH.read_text()) if PATH.exists() else {}
    wanted = [r for r in ALL if r.name in names or (not names and _is_stale(r, known))]
    start = time.perf_counter()
    for rewrite in wanted:
        known[rewrite.name] = measure(rewrite)
        write(known)
        worse = sum(found["worse"] for found in known[rewrite.name].get("accuracy", {}).values())
        faults = sum(found["differ"] for found in known[rewrite.name].get("exact", {}).values())
        sys.stdout.write(f"{time.perf_counter() - start:7.1f} s   {rewrite.name}   {worse + faults or ''}\n")
    write(known)


def _is_stale(rewrite: Rewrite, known: dict[str, Any]) -> bool:
    return known.get(rewrite.name, {}).get("fingerprint") != fingerprint(rewrite)


def write(known: dict[str, Any]) -> None:
    """The findings in the order of the rewrites, one line for each."""
    lines = [f"{json.dumps(rule.name)}: {json.dumps(known[rule.name])}" for rule in ALL if rule.name in known]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
