"""Every rule of every table: its types, its proof, where it fires, that it never makes anything less accurate.

Nothing here is written for a single rule. A rewriter has no sides, so it must fire in some case of `tests/ir`.
"""

from __future__ import annotations

import math
import re
from functools import cache

import mpmath
import numpy as np
import pytest

import graphc as gc
from graphc.interpret import evaluate, evaluate_nodes
from graphc.ir.graph import Graph
from graphc.ir.node import Node, topological
from graphc.ir.parser import parse_graph
from graphc.ir.rewrite import Trace
from graphc.ir.rule import Rule
from graphc.passes.pipeline import parse_pipeline
from graphc.passes.rules import ALL
from tests.passes.accuracy import compare, exact_value
from tests.passes.evidence import LEFT_OUT, allowance
from tests.passes.hard_points import hard_points
from tests.passes.proof import prove
from tests.passes.rule_samples import DTYPES, EXAMPLES, attributes, cases, graph_of, has_rows, instances, sides, values

RULES = [rule for rule in ALL if isinstance(rule, Rule)]
STABILIZING = [rule for rule in RULES if rule.kind == "stabilizing"]
POINTS = 150
LONG = 70_000  # beyond the numbers of float16

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
each_stabilizing = pytest.mark.parametrize("rule", STABILIZING, ids=lambda rule: rule.name)


def fired(graph: Graph, passes: str = "default", semantics: str = "stable") -> set[str]:
    """The names of the rules that fire in a pipeline."""
    trace = Trace()
    parse_pipeline(passes).run(graph, semantics=semantics, trace=trace)
    return {firing.rule.name for firing in trace.firings}


def fires(rule: Rule, before: Node) -> bool:
    """Whether a rule fires where it may."""
    return rule.name in fired(graph_of(before), semantics="real" if rule.kind == "real" else "stable")


@each_rule
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_both_sides_have_one_type(rule, dtype):
    if "dtype" in attributes(rule) and dtype == "float16":
        pytest.skip("no float is narrower")
    _, before, after = sides(rule, dtype)
    assert before.type == after.type


@each_rule
def test_fires_at_its_own_left_side(rule):
    _, before, after = sides(rule, "float32")
    assert rule.apply(before) is after


@each_rule
def test_fires_through_the_whole_pipeline(rule):
    _, before, _ = sides(rule, "float32")
    assert fires(rule, before)


@each_rule
def test_fires_inside_a_larger_graph(rule):
    """The variables are computed, the result is used."""
    _, before, _ = sides(rule, "float32")
    inputs = [node for node in topological([before]) if node.op.name == "input"]
    computed = {
        node: gc.maximum(gc.matmul(gc.full((2, 2), 0.5), gc.input(f"{node.op.label}0", (2, *node.shape[1:]))), 0.25)
        if node.dtype.is_float
        else gc.input(f"{node.op.label}0", (2, *node.shape[1:]), "bool")
        for node in inputs
    }
    names = {node.op.label: new for node, new in computed.items()}
    given = attributes(rule)
    larger, _ = rule.function(**values(rule, names), **given)
    assert fires(rule, gc.sum(larger.astype("float32") * 3.0))


@cache
def fired_somewhere() -> frozenset[str]:
    names: set[str] = set()
    for graph in map(parse_graph, cases()):
        for passes in ("default", "canonicalize", "simplify", "stabilize", "stabilize{semantics=real}"):
            names |= fired(graph, passes)
    return frozenset(names)


def test_every_rule_fired():
    """Rules by their own left sides, rewriters in the cases of `tests/ir`."""
    own = {rule.name for rule in RULES if fires(rule, sides(rule, "float32")[1])}
    never = [rule.name for rule in ALL if rule.name not in own and rule.name not in fired_somewhere()]
    assert not never, "add a case to tests/ir, or remove the rule"


def test_names_are_unique_and_reasons_given():
    names = [rule.name for rule in ALL]
    assert len(set(names)) == len(names)
    assert all(rule.reason for rule in ALL)


@pytest.mark.parametrize("rule", [r for r in ALL if r.proof.startswith("proved")], ids=lambda rule: rule.name)
def test_proved_rewrites_are_proved(rule):
    assert prove(rule) == rule.proof, "say `tested: …` if there is no proof"


def test_every_proof_is_stated():
    for rule in ALL:
        assert re.fullmatch(r"proved( for n=1\.\.4| on examples)?|tested: .+", rule.proof), rule.name


ACCURATE = [rule for rule in ALL if rule.kind == "stabilizing" and (isinstance(rule, Rule) or rule.name in EXAMPLES)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", ACCURATE, ids=lambda rule: rule.name)
def test_never_less_accurate(rule, dtype):
    """A small part of what `make evidence` does."""
    for instance, wide in zip(instances(rule, dtype), instances(rule, "float64")):
        points = hard_points(instance.inputs, POINTS, 1, [instance.before, instance.after])
        given = (instance.before, instance.after, instance.inputs, points)
        other = None if dtype == "float64" else wide
        found = compare(*given, sample=20, most=60, wide=other, **allowance(rule))
        worse = found.described(points)
        known = rule.name in LEFT_OUT
        assert known or not worse, "\n".join([f"{len(worse)} of {POINTS} points", *worse[:5]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("rule", [r for r in ACCURATE if has_rows(r)], ids=lambda rule: rule.name)
def test_long_rows_of_short_floats(rule, dtype):
    """Neither the number of elements nor a sum of them need be a float of 16 bits."""
    row = _long_row(rule, dtype)
    for short, wide in zip(instances(rule, dtype, row=row), instances(rule, "float64", row=row)):
        rng = np.random.default_rng(3)
        points = {n: rng.uniform(0.5, 1.5, (2, *x.shape[1:])).astype(x.dtype.numpy) for n, x in short.inputs.items()}
        with np.errstate(all="ignore"):
            sides_ = evaluate_nodes([short.before, short.after], {x: points[n] for n, x in short.inputs.items()})
            exact = evaluate_nodes([wide.after], {x: points[n].astype(x.dtype.numpy) for n, x in wide.inputs.items()})
            before, after, exact = (value.astype("float64") for value in (*sides_, *exact))
            was, off = np.nanmax(abs(before - exact), initial=0), np.max(abs(after - exact))
        assert off <= max(1.5 * was, 0.01 * np.max(abs(exact))) or not np.isfinite(before).any()


def _long_row(rule, dtype):
    """A length with more elements than float16 can count, or more pairs of them where those are added up."""
    nodes = (node for instance in instances(rule, dtype, row=LONG) for node in topological([instance.before]))
    return math.isqrt(LONG) + 1 if any(node.shape.count(LONG) > 1 for node in nodes) else LONG


@each_stabilizing
def test_gradient_is_finite_where_it_exists(rule):
    """No naive form is left in the gradient: its values at moderately hard points are right in float32."""
    inputs, before, _ = sides(rule, "float32", rows=8)
    given = [node for node in inputs.values() if node.dtype.is_float]
    gradients = gc.grad(gc.sum(before.astype("float64")), given)
    rng = np.random.default_rng(2)
    points = {
        n: _gradient_points(rng, n) if n.dtype.is_float else rng.integers(0, 2, (8, *n.shape[1:])) > 0
        for n in inputs.values()
    }
    graph = graph_of(*gradients)
    optimised = parse_pipeline("default").run(graph)
    with np.errstate(all="ignore"):
        found = evaluate(optimised, {node: points[node] for node in optimised.inputs}).outputs
    defined = [mpmath.isfinite(value) for value in exact_value(before, points).reshape(8, -1)[:, 0]]
    for got, truth in zip(found, (exact_value(gradient, points) for gradient in gradients)):
        for index in np.ndindex(*got.shape):
            if defined[index[0]] and mpmath.isfinite(truth[index]) and abs(truth[index]) < 1e30:
                assert abs(got[index] - float(truth[index])) <= 1e-3 * abs(float(truth[index])) + 1e-5, index


def _gradient_points(rng, node):
    return rng.choice([-200.0, -100.0, -30.0, -1.5, -0.25, 0.25, 0.75, 1.5, 30.0, 100.0, 200.0], node.shape).astype(
        "float32"
    )


@each_stabilizing
def test_ieee_fires_nothing_that_stabilizes(rule):
    _, before, _ = sides(rule, "float32")
    trace = Trace()
    parse_pipeline("default").run(graph_of(before), semantics="ieee", trace=trace)
    assert all(firing.rule.kind == "exact" for firing in trace.firings)
