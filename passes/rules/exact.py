"""Algebra that holds for every bit pattern: infinities, NaN and signed zeros included."""

from __future__ import annotations

from graphc.ir.rule import RuleSet

EXACT = RuleSet("exact")
