"""What was found, as Markdown and as JSON.

In: the verdicts of each system, case, dtype and kind. Out: text: a summary, a table by family, what IEEE probes say,
and every case that graphc does not get right.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report import machine
from benchmarks.stability.case import DTYPES
from benchmarks.stability.cases import CASES, FAMILIES
from benchmarks.stability.finding import BASELINES, KINDS, Finding, as_trees, from_trees
from benchmarks.stability.judge import LOST_BITS, NORM_UNITS, Verdict
from benchmarks.stability.systems import SYSTEMS

OURS = "graphc"
METHOD = f"""\
A case is a textbook formula, written once in the words of the Array API, that every system gets as it stands. At each
of its points the exact value and the exact derivatives are calculated by mpmath from the same formula, with as many
bits as it takes; inputs and constants are the floats that the systems get, and count as exact. A result is right if at
most {LOST_BITS} bits of it are lost (256 units in the last place), every element of it, and where the exact number is
beyond the largest float, if it is infinite. A partial derivative is right as well within {NORM_UNITS} units in the last
place of the largest one by the same input. There is no other tolerance, and none of a case's own.

As written means op by op: NumPy for values, PyTorch's reverse mode for derivatives. *Repaired*: wrong as written and
right with the system. *Harmed*: right as written and wrong with the system. A case is right in a dtype if it is right
at all of its points. `torch.compile` takes so long to compile that it runs in float32 only,
a family as one function."""
PROBE_METHOD = """\
A probe is a formula with a special value, a sign of zero, a subnormal or a rounding that is meant: the answer of IEEE
arithmetic, op by op, is the only right one. A probe is harmed in a dtype if a system gives another answer at one of its
points. `graphc ieee` is `gc.compile(..., semantics="ieee")`."""


@dataclass(frozen=True)
class Report:
    versions: dict[str, str]
    absent: dict[str, str]
    findings: Sequence[Finding]
    harmed_probes: dict[str, dict[str, list[str]]]
    """For each system and dtype, the probes whose answer it changed."""
    probes: int

    def markdown(self) -> str:
        facts = machine()
        systems = ", ".join(f"{system} {version}" for system, version in self.versions.items())
        parts = [
            "# Numerical stability",
            f"{systems}; Python {facts['python']}, {facts['system']}.",
            *(f"Absent: {system} ({reason})." for system, reason in self.absent.items()),
            METHOD,
            "## Summary",
            self._size(),
            table(self._summary()),
            "## By family",
            "Cases that are right at all points, values / gradients, float32 and float64 together.",
            table(self._families()),
            "## IEEE answers",
            PROBE_METHOD,
            table(self._probe_table()),
            *self._harmed_lists(),
            "## What graphc does not get right",
            *self._failures(),
        ]
        return "\n\n".join(parts) + "\n"

    def json(self) -> str:
        document = {
            "machine": machine(),
            "versions": self.versions,
            "absent": self.absent,
            "letters": {verdict.value: verdict.name.lower() for verdict in Verdict},
            **as_trees(self.findings),
            "harmed_probes": self.harmed_probes,
            "probes": self.probes,
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def with_what_is_missing_from(self, text: str) -> "Report":
        """This report, with what an older one has to say of systems and cases that are not in it."""
        older = json.loads(text)
        new = {(finding.system, finding.case) for finding in self.findings}
        kept = [*self.findings, *(f for f in from_trees(older) if f.case in CASES and (f.system, f.case) not in new)]
        versions = {**older["versions"], **self.versions}
        harmed = {**older["harmed_probes"], **self.harmed_probes}
        return Report(
            {system: versions[system] for system in SYSTEMS if system in versions},
            {system: why for system, why in {**older["absent"], **self.absent}.items() if system not in versions},
            sorted(kept, key=lambda finding: list(SYSTEMS).index(finding.system)),
            {system: harmed[system] for system in SYSTEMS if system in harmed},
            self.probes,
        )

    @property
    def systems(self) -> list[str]:
        return list(dict.fromkeys(finding.system for finding in self.findings))

    def of(self, system: str, kind: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.system == system and finding.kind == kind]

    def _size(self) -> str:
        cases = {finding.case for finding in self.findings}
        points = sum(len(finding.verdicts) for finding in self.findings if finding.system == self.systems[0])
        return (
            f"{len(cases)} cases in {len(DTYPES)} dtypes; {points} points with their values"
            f" for {self.systems[0]}. Counted in points:"
        )

    def _summary(self) -> list[list[str]]:
        rows = [["system", *(f"{kind}s {what}" for kind in KINDS for what in ("repaired", "harmed", "right", "wrong"))]]
        for system in self.systems:
            row = [system]
            for kind in KINDS:
                row += counts(self.of(system, kind))
            rows.append(row)
        return rows

    def _families(self) -> list[list[str]]:
        systems = [system for system in self.systems if system not in BASELINES.values()]
        rows = [["family", "cases", "as written", *systems]]
        groups = {family.name: {case.name for case in family.cases} for family in FAMILIES}
        for name, names in {**groups, "all": set(CASES)}.items():
            written = " / ".join(self._right(names, BASELINES[kind], kind) for kind in KINDS)
            cells = [" / ".join(self._right(names, system, kind) for kind in KINDS) for system in systems]
            rows.append([name, str(len(names)), written, *cells])
        return rows

    def _right(self, names: set[str], system: str, kind: str) -> str:
        found = [finding.right for finding in self.of(system, kind) if finding.case in names]
        return f"{sum(found)} of {len(found)}" if found else "–"

    def _probe_table(self) -> list[list[str]]:
        rows = [["system", *(f"harmed in {dtype}" for dtype in DTYPES)]]
        for system, harmed in self.harmed_probes.items():
            cells = [f"{len(harmed[dtype])} of {self.probes}" if dtype in harmed else "–" for dtype in DTYPES]
            rows.append([system, *cells])
        return rows

    def _harmed_lists(self) -> list[str]:
        lines = []
        for system, harmed in self.harmed_probes.items():
            names = dict.fromkeys(name for changed in harmed.values() for name in changed)
            if names:
                lines.append(f"{system}: " + "; ".join(f"`{name}`" for name in names) + ".")
        return lines

    def _failures(self) -> list[str]:
        lines: dict[tuple[str, str], list[str]] = {}
        for finding in self.findings:
            if finding.system == OURS and not finding.right:
                where = f"{finding.kind} {finding.dtype}: " + places(finding)
                lines.setdefault((CASES[finding.case].row, finding.case), []).append(where)
        if not lines:
            return ["Nothing."]
        return ["\n".join(f"- {case} ({row}): {'; '.join(where)}" for (row, case), where in lines.items())]


def places(finding: Finding) -> str:
    """The points at which a case is wrong, as they were given."""
    if finding.failure:
        return finding.failure
    case = CASES[finding.case]
    points = case.narrow if case.narrow is not None and finding.dtype == "float32" else case.points
    bad = [i for i, letter in enumerate(finding.verdicts) if letter in (Verdict.WRONG, Verdict.HARMED)]
    return ", ".join(f"{points[i]}{' (harmed)' if finding.verdicts[i] == Verdict.HARMED else ''}" for i in bad)


def counts(findings: Iterable[Finding]) -> list[str]:
    """Points repaired, harmed, right all along, and wrong all along or failed."""
    letters = Counter(letter for finding in findings for letter in finding.verdicts)
    if not letters:
        return ["–"] * 4
    wrong = letters[Verdict.WRONG] + letters[Verdict.FAILED]
    return [str(n) for n in (letters[Verdict.REPAIRED], letters[Verdict.HARMED], letters[Verdict.KEPT], wrong)]


def table(rows: Sequence[Sequence[Any]]) -> str:
    header, *rest = rows
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rest]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)
