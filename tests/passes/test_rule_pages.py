"""The pages about rewrites are those that the rules and the measurements give."""

import json

import pytest

import graphc as gc
from graphc.numerics.evidence import PATH, evidence_lines, verdict
from graphc.passes.rules import ALL
from tests.passes.infix import formula
from tests.passes.rule_pages import DOCS, pages


def test_pages_are_up_to_date():
    stale = [
        str(path.relative_to(DOCS)) for path, text in pages().items() if not path.exists() or path.read_text() != text
    ]
    gone = [path.name for path in (DOCS / "rules").glob("*.md") if path not in pages()]
    assert not stale and not gone, "run `make evidence`"


def test_measurements_are_of_rules():
    assert not set(json.loads(PATH.read_text())) - {rule.name for rule in ALL}, "run `make evidence`"


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64"])
def test_evidence_is_shown(dtype):
    (rule,) = (rule for rule in ALL if rule.name == "log_sum_exp")
    assert any(line.strip().startswith(dtype) for line in evidence_lines(rule))


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (lambda x, y: x - (y - x), "x - (y - x)"),
        (lambda x, y: x + (y + 1), "x + y + 1"),
        (lambda x, y: x * (y / x), "x * (y / x)"),
        (lambda x, y: -(x + y) / -y, "-(x + y) / -y"),
        (lambda x, y: (x + y) ** 2.5 * gc.exp(-x), "(x + y)**2.5 * exp(-x)"),
        (lambda x, y: gc.square(-x), "(-x)**2"),
        (lambda x, y: gc.where((x < y) & (y > 0), x, 0.5), "where(x < y and y > 0, x, 0.5)"),
    ],
)
def test_formulas_are_written_as_mathematics(after, text):
    x, y = gc.input("x", ("n",)), gc.input("y", ("n",))
    assert formula(x, after(x, y)) == f"x -> {text}"


def test_what_is_repeated_in_a_long_formula_has_a_name():
    x = gc.input("x", ("n",))
    long = gc.exp(gc.sin(x) * gc.cos(x) + 0.125)
    assert formula(x, gc.sqrt(long) / (1 + gc.log1p(long)) + gc.tanh(long)).splitlines() == [
        "x -> sqrt(a) / (1 + log1p(a)) + tanh(a)",
        "    a = exp(sin(x) * cos(x) + 0.125)",
    ]


def test_a_verdict_comes_before_the_numbers():
    (rule,) = (rule for rule in ALL if rule.name == "log_sum_exp")
    assert verdict(rule).startswith("nowhere less accurate at 40,000 points, right at ")
    assert verdict(rule).endswith("in float32 where max(x) < -99 or max(x) > 88.7")
