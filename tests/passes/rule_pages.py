"""The pages about rewrites: `docs/rules.md` and one page for each family, made from the rules and their evidence.

python -m tests.passes.rule_pages     writes them
"""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

from graphc.ir.rule import Rewrite, Rule
from graphc.numerics.evidence import fails_where, findings, verdict
from graphc.passes.rules import ALL
from graphc.types import as_dtype
from tests.passes.evidence import CANCELS, LEFT_OUT
from tests.passes.infix import formula
from tests.passes.special_values import KINDS

DOCS = Path(__file__).parents[2] / "docs"
INTRODUCTION = """# Rewrites and their evidence

Every rewrite has a formula, a reason, a kind that says in which [semantics](semantics.md) it may fire, and a proof.
This page and those of the families are made from the rules themselves and from measurements, by `make evidence`;
`graphc rules NAME` prints the same.

**Proof.** `proved`: SymPy finds both sides equal wherever the left side is a real number. `proved for n=1..4`: for rows
of so many elements, each of them a symbol. `proved on examples`: a rewriter has no two sides; what it makes of its
examples is proved. `tested: …` says why there is no proof.

**Accuracy.** Both sides are evaluated by the reference at 10,000 points in each dtype, at all 65,536 where a formula
has one 16-bit variable: all exponents and signs, subnormals, the neighbourhood of numbers where formulas change, equal
operands. The exact value comes from mpmath, or, for floats shorter than float64, from float64 where both sides agree
there to a thousandth of a unit; where mpmath would be needed for thousands of points of one formula, it is asked for
some hundred evenly spaced ones, and *judged* counts the points with an exact value. An error is counted in bits: 0 is
exact, less than 1 is rounded correctly, 24 is every digit of a float32, 32 infinity or NaN where a number belongs.
A result is *worse* if it is off by one unit in the last place more than before (three where a row is added up), more
than the result changes when the inputs change in their last place, and more than the formula as written is off at
points a few units away. Points are *right now* that lost more than 8 bits (of bfloat16: all) and lose less than 2.

**Special values.** All combinations of NaN, infinities, zeros of both signs, the smallest and the largest number are
evaluated as well. The tables show where float32 results differ, one line for each sort of difference:

"""
FIRES = {
    "exact": "always fires",
    "stabilizing": 'fires unless `semantics="ieee"`',
    "real": 'fires if `semantics="real"`',
}
SHORT_FORMULA = 100
LIMITS = """
A sum of logarithms replaces the logarithm of a product in {names}.
Where the product is near 1 the terms of the sum cancel; these results are right to 4 units of the largest term.

Known to be worse at some points:

{worse}
"""


def pages() -> dict[Path, str]:
    """The text of each page."""
    families: dict[str, list[Rewrite]] = {}
    for rewrite in ALL:
        families.setdefault(_family(rewrite), []).append(rewrite)
    found = {DOCS / "rules" / f"{name}.md": _family_page(rewrites) for name, rewrites in families.items()}
    return {DOCS / "rules.md": _index(families), **found}


def _index(families: dict[str, list[Rewrite]]) -> str:
    kinds = "\n".join(f"- *{kind}*: {text}" for kind, text in KINDS.items())
    proofs = Counter(rewrite.proof.split(":")[0] for rewrite in ALL)
    counts = ", ".join(f"{count} {proof}" for proof, count in proofs.most_common())
    points = sum(row["points"] for found in findings().values() for row in _rows(found))
    worse = "\n".join(f"- `{name}`: {reason}" for name, reason in LEFT_OUT.items())
    limits = LIMITS.format(names=", ".join(f"`{name}`" for name in CANCELS), worse=worse)
    summary = f"\n{len(ALL)} rewrites: {counts}. Compared at {points:,} points.\n"
    tables = [_table(name, rewrites) for name, rewrites in families.items()]
    return INTRODUCTION + kinds + "\n" + limits + summary + "\n" + "\n".join(tables)


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [*found.get("exact", {}).values(), *found.get("accuracy", {}).values()]


def _table(name: str, rewrites: list[Rewrite]) -> str:
    rows = [
        f"| [{r.name}](rules/{name}.md#{r.name}) | {r.reference} | {_formula(r)} | {r.kind} | {_escaped(r.proof)} | "
        f"{_escaped(fails_where(r))} |"
        for r in rewrites
    ]
    head = "| rewrite | number | formula | kind | proof | as written, float32 fails where |\n|---|---|---|---|---|---|"
    return "\n".join([f"## [{name}](rules/{name}.md)\n", head, *rows, ""])


def _family_page(rewrites: list[Rewrite]) -> str:
    module = sys.modules[rewrites[0].function.__module__]  # type: ignore[attr-defined]
    name = _family(rewrites[0])
    source = f"[passes/rules/{name}.py](../../passes/rules/{name}.py)"
    head = f"# {name.replace('_', ' ').capitalize()}\n\n{inspect.getdoc(module)}\n\nThe rules stand in {source}; "
    head += "what the numbers mean stands in [rules.md](../rules.md).\n"
    return "\n".join([head, *map(_section, rewrites)])


def _section(rewrite: Rewrite) -> str:
    lines = [f"## {rewrite.name}\n", f"{_escaped(rewrite.reason)}\n", f"{_shown(rewrite)}\n"]
    facts = [rewrite.reference, f"{rewrite.kind}: {FIRES[rewrite.kind]}", rewrite.proof, verdict(rewrite)]
    lines.append(". ".join(_escaped(text[0].upper() + text[1:]) for text in facts if text) + ".\n")
    if rewrite.name in LEFT_OUT:
        lines.append(f"Known to be worse: {LEFT_OUT[rewrite.name]}.\n")
    if isinstance(rewrite, Rule) and rewrite.when is not None:
        about = ", ".join(f"`{name}`" for name in inspect.signature(rewrite.when).parameters)
        reason = inspect.getdoc(rewrite.when) or ""
        lines.append(f"Only where a condition on {about} is proved. {reason}".strip() + "\n")
    return "\n".join([*lines, *_evidence(rewrite)])


def _evidence(rewrite: Rewrite) -> Iterator[str]:
    found = findings().get(rewrite.name, {})
    if not _rows(found):
        cases = f"tests/ir/{_family(rewrite)}.ir"
        there = (DOCS.parent / cases).exists()
        yield f"Not measured. Cases of it stand in [{cases}](../../{cases}).\n" if there else "Not measured.\n"
    if found.get("accuracy"):
        yield "| | points | judged | worst bits before | after | right now | worse | as written fails where |"
        yield "|---|---|---|---|---|---|---|---|"
        for dtype, row in found["accuracy"].items():
            yield (
                f"| {as_dtype(dtype)} | {row['points']:,} | {row['judged']:,} | {row['before']:g} | {row['after']:g} "
                f"| {row['rescued']:,} | {row['worse']:,} | {_escaped(row['where'])} |"
            )
        yield ""
    if found.get("special"):
        yield "| special values | before | after | |\n|---|---|---|---|"
        yield from (f"| {_escaped(given)} | {a} | {b} | {kind} |" for given, a, b, kind in found["special"])
        yield ""


def _family(rewrite: Rewrite) -> str:
    return str(rewrite.function.__module__).rpartition(".")[2]  # type: ignore[attr-defined]


def _shown(rewrite: Rewrite) -> str:
    """The formula in full, or examples of what a rewriter does."""
    if isinstance(rewrite, Rule):
        return indent(formula(rewrite.before, rewrite.after), "    ")
    examples: list[str] = findings().get(rewrite.name, {}).get("examples", [])
    return indent("\n".join(examples), "    ") if examples else f"At {_roots(rewrite)}."


def _formula(rewrite: Rewrite) -> str:
    """What fits into a table."""
    if not isinstance(rewrite, Rule):
        return _roots(rewrite)
    text = formula(rewrite.before, rewrite.after)
    return f"`{text if len(text) <= SHORT_FORMULA else text[: text.index(' -> ')] + ' -> …'}`"


def _roots(rewrite: Rewrite) -> str:
    return ", ".join(f"`{root}`" for root in rewrite.roots)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def main() -> None:
    """Write the pages, and remove those of families that are gone."""
    found = pages()
    (DOCS / "rules").mkdir(exist_ok=True)
    for path in (DOCS / "rules").glob("*.md"):
        if path not in found:
            path.unlink()
    for path, text in found.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
