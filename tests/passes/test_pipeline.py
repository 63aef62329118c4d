"""The pipeline: its text, its errors, what it records; and that its passes are quick and end."""

from __future__ import annotations

import random

import pytest

import graphc as gc
from graphc.errors import PipelineError, RewriteError
from graphc.ir.graph import Graph
from graphc.ir.node import make
from graphc.ir.rewrite import Trace, rewrite
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Negative, negative
from graphc.passes.pipeline import DEFAULT, Record, parse_pipeline
from graphc.passes.registry import PASSES


def naive_sigmoid() -> Graph:
    x = gc.input("x", (4,))
    return Graph("f", (x,), (1 / (1 + gc.exp(-x)),))


def random_graph(nodes: int, seed: int) -> Graph:
    """Arithmetic, exponentials and logarithms at random, each of recent values."""
    rng = random.Random(seed)
    values = [gc.input("x", (8,)), gc.input("y", (8,))]
    inputs = tuple(values)
    ops = [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: -a,
        lambda a, b: 1 - a,
        lambda a, b: gc.exp(a),
        lambda a, b: gc.log(a),
        lambda a, b: gc.sigmoid(a),
        lambda a, b: gc.maximum(a, b),
        lambda a, b: gc.square(a),
    ]
    while len(values) < nodes:
        values.append(rng.choice(ops)(rng.choice(values[-9:]), rng.choice(values[-9:])))
    return Graph("f", inputs, tuple(values[-9:]))


def test_text_round_trips():
    assert str(parse_pipeline("default")) == DEFAULT
    assert str(parse_pipeline(" canonicalize , fold{ max_elements = 64 } ")) == "canonicalize,fold{max_elements=64}"
    assert parse_pipeline("").steps == ()


def test_passes_are_left_out():
    assert str(parse_pipeline("canonicalize,fold,simplify,fold,-fold")) == "canonicalize,simplify"
    assert "log_domain" not in str(parse_pipeline("default,-log_domain"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stabilise", "did you mean stabilize"),
        ("default,-log_domian", "no 'log_domian' to leave out(.|\n)*did you mean log_domain"),
        ("fold{max=3}", "max_elements"),
        ("fold{max_elements=many}", "is no int"),
        ("fold{max_elements}", "has no value"),
        ("canonicalize{x=1}", "canonicalize has no options"),
        ("fold fold", "no pipeline"),
        ("fold{", "no pipeline"),
        ("lower,fold", "lower takes a Fused"),
    ],
)
def test_errors_name_what_is_known(text, message):
    with pytest.raises(PipelineError, match=message):
        parse_pipeline(text)


def test_every_pass_says_what_it_does():
    for found in PASSES.values():
        assert found.doc and found.takes and found.gives, found.name


def test_records_and_callback():
    records: list[Record] = []
    seen = []
    parse_pipeline("canonicalize,stabilize,stabilize").run(
        naive_sigmoid(), records=records, after_each=lambda step, form: seen.append((step.stage.name, len(form.nodes)))
    )
    assert [record.changed for record in records] == [True, True, False]
    assert all(record.seconds > 0 for record in records)
    assert seen[-1] == ("stabilize", 2)


def test_trace_names_rule_stage_and_line():
    trace = Trace()
    parse_pipeline("default").run(naive_sigmoid(), trace=trace)
    (firing,) = [f for f in trace.firings if f.rule.name == "one_over_one_plus_exp"]
    assert firing.stage == "stabilize"
    assert "1 / (1 + gc.exp(-x))" in firing.source.text


def test_fuel_stops_rewriting():
    assert str(parse_pipeline("default").run(naive_sigmoid(), trace=Trace(fuel=0))) == str(naive_sigmoid())


def test_show_prints_before_and_after(monkeypatch, capsys):
    monkeypatch.setenv("GRAPHC_SHOW", "stabilize")
    monkeypatch.setenv("GRAPHC_CHECK", "1")
    parse_pipeline("canonicalize,stabilize").run(naive_sigmoid())
    shown = capsys.readouterr().err
    assert "# before stabilize" in shown and "sigmoid(%x)" in shown and "canonicalize" not in shown


def test_rules_in_a_cycle_are_named():
    table = RuleSet("cycle")
    table.rewriter(Negative, kind="exact")(lambda node: make(Negative(), make(Negative(), node)))
    x = gc.input("x", (3,))
    with pytest.raises(RewriteError, match="lambda"):
        rewrite(Graph("f", (x,), (negative(x),)), table)


@pytest.mark.parametrize("seed", range(12))
def test_idempotent_on_random_graphs(seed):
    once = parse_pipeline("default").run(random_graph(60, seed))
    assert str(parse_pipeline("default").run(once)) == str(once)


@pytest.mark.parametrize("name", ["canonicalize", "fold", "simplify", "stabilize", "dead_code"])
def test_each_pass_is_idempotent(name):
    for seed in range(8):
        once = parse_pipeline(name).run(random_graph(60, 100 + seed))
        assert str(parse_pipeline(name).run(once)) == str(once)


def test_work_grows_with_the_graph_and_not_faster(monkeypatch):
    """Nodes at which rules are tried, for each node: a clock would measure the machine."""
    tried = 0
    fire = RuleSet.fire

    def counted(self, node):
        nonlocal tried
        tried += 1
        return fire(self, node)

    monkeypatch.setattr(RuleSet, "fire", counted)
    work = []
    for count in (400, 1600):
        graph, tried = random_graph(count, 0), 0
        parse_pipeline("default").run(graph)
        work.append(tried / len(graph.nodes))
    assert work[1] < 1.5 * work[0] < 60


def test_long_chains_need_no_recursion():
    x = value = gc.input("x", (8,))
    for _ in range(10_000):
        value = gc.exp(value) * x
    graph = Graph("f", (x,), (value,))
    assert len(parse_pipeline("default").run(graph).nodes) == len(graph.nodes)
