"""What measurements say about each rewrite: read from a file that `make evidence` writes, shown as text.

Comes in: the name of a rewrite; goes out: its findings, or lines for a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from graphc.ir.rule import Rewrite
from graphc.types import as_dtype

PATH = Path(__file__).parents[1] / "passes" / "rules" / "evidence.json"
BRIEF = 60
"""How long a range may be that stands in a sentence."""


@cache
def findings() -> dict[str, Any]:
    """The findings of all rewrites that were measured, by name."""
    found: dict[str, Any] = json.loads(PATH.read_text()) if PATH.exists() else {}
    return found


def fails_where(rewrite: Rewrite, dtype: str = "float32") -> str:
    """Where the formula as written loses more than 8 bits that the rewrite keeps; empty if nowhere."""
    where: str = findings().get(rewrite.name, {}).get("accuracy", {}).get(dtype, {}).get("where", "")
    return where


def verdict(rewrite: Rewrite) -> str:
    """Whether a rewrite may be trusted, and where it matters, in a sentence; empty if it was not measured."""
    found = findings().get(rewrite.name, {})
    exact, accuracy = found.get("exact", {}).values(), found.get("accuracy", {}).values()
    if exact:
        points, differ = (sum(row[key] for row in exact) for key in ("points", "differ"))
        return f"{differ or 'none'} of {points:,} results differ in a bit"
    points, rescued, worse = (sum(row[key] for row in accuracy) for key in ("points", "rescued", "worse"))
    if not points:
        return ""
    text = f"less accurate at {worse:,} of" if worse else "nowhere less accurate at"
    text += f" {points:,} points"
    if rescued:
        text += f", right at {rescued:,} where the formula as written is wrong"
        where = fails_where(rewrite)
        text += f", in float32 where {where}" if where != "here and there" and 0 < len(where) <= BRIEF else ""
    return text


def evidence_lines(rewrite: Rewrite) -> Iterator[str]:
    """What was measured of one rewrite, in lines."""
    found = findings().get(rewrite.name, {})
    for text in found.get("examples", ()):
        yield f"for example {text}"
    yield verdict(rewrite) or "not measured"
    for dtype, row in found.get("exact", {}).items():
        differ = row["differ"] or "none"
        yield f"{as_dtype(dtype).short:>4}: {row['points']:,} results compared bit for bit, {differ} differ"
    for dtype, row in found.get("accuracy", {}).items():
        yield (
            f"{as_dtype(dtype).short:>4}: {row['points']:,} points, worst error {row['before']:g} bits before, "
            f"{row['after']:g} after; {row['rescued']:,} points are right that were wrong"
            + (f": {row['where']}" if row["where"] else "")
        )
        if row["worse"]:
            yield f"      {row['worse']:,} points are worse than before"
    for given, before, after, kind in found.get("special", ()):
        yield f"  {given}: {before} becomes {after} ({kind})"
