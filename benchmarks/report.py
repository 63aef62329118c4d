"""What was measured, as a Markdown table and as JSON.

In: outcomes, versions, machine. Out: text. The ratio is the best peer's time over graphc's; above 1 graphc is
faster.
"""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.cases import CASES
from benchmarks.rounds import Outcome, Settings

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
GENERAL_NOTES = (
    "Medians over the rounds; in each round every library runs once, each in its own process, one at a time,"
    " kept to as many cores as threads.",
    "NumPy, PyTensor and graphc take and give NumPy arrays; PyTorch and JAX are given their native tensors,"
    " made before the clock starts, and keep their results as such; each call waits for its result.",
    "Every result is compared with NumPy in float64 before the timing; all work is float32.",
)


class Document(Protocol):
    """What a benchmark has to say."""

    def markdown(self) -> str: ...

    def json(self) -> str: ...


def write(document: Document, folder: Path) -> None:
    """Write RESULTS.md and results.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RESULTS.md").write_text(document.markdown())
    (folder / "results.json").write_text(document.json())


@dataclass(frozen=True)
class Report:
    settings: Settings
    versions: dict[str, str]
    missing: dict[str, str]
    outcomes: Sequence[Outcome]

    def markdown(self) -> str:
        peers = [peer for peer in self.versions if any(o.peer == peer and o.samples for o in self.outcomes)]
        lines = ["# Benchmarks", "", self._machine_line(), self._version_line(), "", *self._table(peers)]
        notes = [*GENERAL_NOTES, *self._case_notes()]
        lines += ["", *(f"- {note[0].upper()}{note[1:]}" for note in notes)]
        failures = self._failures()
        if failures:
            lines += ["", "Not measured:", *(f"- {failure}" for failure in failures)]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        document = {
            "machine": machine(),
            "threads": self.settings.threads,
            "rounds": self.settings.rounds,
            "versions": self.versions,
            "missing": self.missing,
            "results": [
                {
                    "case": outcome.case,
                    "size": outcome.size,
                    "peer": outcome.peer,
                    "seconds": outcome.seconds,
                    "samples": outcome.samples,
                    "failure": outcome.failure,
                }
                for outcome in self.outcomes
            ],
        }
        return json.dumps(document, indent=1) + "\n"

    def _machine_line(self) -> str:
        facts = machine()
        return (
            f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']};"
            f" threads: {self.settings.threads}."
        )

    def _version_line(self) -> str:
        return "Versions: " + ", ".join(f"{peer} {version}" for peer, version in self.versions.items()) + "."

    def _table(self, peers: Sequence[str]) -> list[str]:
        ratio = ["best peer / graphc"] if "graphc" in peers else []
        header = ["work", "size", *peers, *ratio]
        rows = [header, ["---", "---", *["---:"] * (len(header) - 2)]]
        for case, size in dict.fromkeys((o.case, o.size) for o in self.outcomes):
            of_row = {o.peer: o for o in self.outcomes if (o.case, o.size) == (case, size)}
            times = {peer: o.seconds for peer, o in of_row.items() if o.seconds is not None}
            cells = [cell(of_row.get(peer), times) for peer in peers]
            rows.append([CASES[case].title, size, *cells, *([speed_ratio(times)] if ratio else [])])
        return ["| " + " | ".join(row) + " |" for row in rows]

    def _case_notes(self) -> list[str]:
        used = dict.fromkeys(outcome.case for outcome in self.outcomes)
        return [f"{CASES[name].title}: {note}" for name in used for note in CASES[name].notes]

    def _failures(self) -> list[str]:
        return [f"{peer}: {reason}" for peer, reason in self.missing.items()] + [
            f"{o.peer}, {CASES[o.case].title} ({o.size}): {o.failure}" for o in self.outcomes if o.failure
        ]


def cell(outcome: Outcome | None, times: dict[str, float]) -> str:
    """The time in the table, the best of its row in bold."""
    if outcome is None:
        return "–"
    if outcome.seconds is None:
        return "wrong" if "wrong result" in (outcome.failure or "") else "failed"
    text = duration(outcome.seconds)
    return f"**{text}**" if outcome.seconds == min(times.values()) else text


def speed_ratio(times: dict[str, float]) -> str:
    peers = [seconds for peer, seconds in times.items() if peer != "graphc"]
    return f"{min(peers) / times['graphc']:.2f}" if peers and "graphc" in times else "–"


def duration(seconds: float) -> str:
    """Three digits and a unit: `1.36 ms`."""
    scale, unit = next(((scale, unit) for scale, unit in UNITS if seconds >= scale), UNITS[-1])
    value = seconds / scale
    return f"{value:.{max(0, 2 - (value >= 10) - (value >= 100))}f} {unit}"


def machine() -> dict[str, Any]:
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def processor() -> str:
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
