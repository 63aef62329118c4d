"""The pages about rewrites are those that the rules and the measurements give."""

import json

import pytest

from graphc.numerics.evidence import PATH, evidence_lines
from graphc.passes.rules import ALL
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
