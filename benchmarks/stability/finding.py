"""What one system did with one case, and how results.json has it.

In: findings. Out: a tree of plain dictionaries, and findings again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.stability.judge import Verdict

KINDS = ("value", "gradient")
BASELINES = {"value": "numpy", "gradient": "torch"}
"""Who says what a formula is as it is written."""

Tree = dict[str, dict[str, dict[str, str]]]
"""By system, case and \"kind dtype\": a letter a point."""


@dataclass(frozen=True)
class Finding:
    """What one system did with one case in one dtype."""

    system: str
    case: str
    dtype: str
    kind: str
    verdicts: str
    """A letter a point."""
    failure: str = ""

    @property
    def right(self) -> bool:
        return set(self.verdicts) <= {Verdict.KEPT, Verdict.REPAIRED, Verdict.OPEN}


def as_trees(findings: Iterable[Finding]) -> dict[str, Tree]:
    """The verdicts, and the messages of those that failed."""
    verdicts: Tree = {}
    failures: Tree = {}
    for finding in findings:
        place = f"{finding.kind} {finding.dtype}"
        verdicts.setdefault(finding.system, {}).setdefault(finding.case, {})[place] = finding.verdicts
        if finding.failure:
            failures.setdefault(finding.system, {}).setdefault(finding.case, {})[place] = finding.failure
    return {"verdicts": verdicts, "failures": failures}


def from_trees(document: dict[str, Any]) -> Iterator[Finding]:
    for system, cases in document["verdicts"].items():
        for case, places in cases.items():
            for place, letters in places.items():
                kind, dtype = place.split()
                failure = document["failures"].get(system, {}).get(case, {}).get(place, "")
                yield Finding(system, case, dtype, kind, letters, failure)
