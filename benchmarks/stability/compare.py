"""From results to findings.

In: what each system returned, and the exact values and derivatives. Out: verdicts, and the probes that were harmed.
"""

from collections.abc import Iterator, Mapping

from benchmarks.stability.case import Case
from benchmarks.stability.cases import CASES, PROBES
from benchmarks.stability.finding import BASELINES, Finding
from benchmarks.stability.judge import Truth, Verdict, correct, points_of, same_bits, verdicts
from benchmarks.stability.systems import SYSTEMS, Result
from benchmarks.stability.worker import Key

Results = Mapping[str, Mapping[Key, Result]]


def findings(results: Results, truth: Mapping[Key, tuple[Truth, Truth]]) -> list[Finding]:
    return [
        finding
        for system in results
        for key, (values, slopes) in truth.items()
        if key in results[system]
        for kind, exact in (("value", values), ("gradient", slopes))
        if exact and BASELINES[kind] in results and (kind == "value" or SYSTEMS[system].differentiates)
        for finding in finding_of(results, system, key, kind, exact)
    ]


def finding_of(results: Results, system: str, key: Key, kind: str, exact: Truth) -> Iterator[Finding]:
    name, dtype = key
    before = right_at(results[BASELINES[kind]][key], CASES[name], kind, exact, dtype)
    result = results[system][key]
    after = right_at(result, CASES[name], kind, exact, dtype)
    if before is None:
        return
    if after is None:
        yield Finding(system, name, dtype, kind, Verdict.FAILED * len(exact), result.failure)
        return
    is_open = [all(entry is None for entry in entries) for entries in exact]
    judged = [None if unknown else right for unknown, right in zip(is_open, before, strict=True)]
    yield Finding(system, name, dtype, kind, verdicts(judged, after))


def right_at(result: Result, case: Case, kind: str, exact: Truth, dtype: str) -> list[bool] | None:
    """Whether a system is right at each point; None where it has no result."""
    if result.values is None or (kind == "gradient" and result.slopes is None):
        return None
    outputs = [[value] for value in result.values] if kind == "value" else result.slopes
    assert outputs is not None
    points = points_of(outputs, case.together)
    return [correct(found, wanted, dtype, kind == "gradient") for found, wanted in zip(points, exact, strict=True)]


def harmed_probes(results: Results) -> dict[str, dict[str, list[str]]]:
    """For each system and dtype, the probes to which it gives another answer than NumPy does."""
    harmed: dict[str, dict[str, list[str]]] = {}
    for system in filter(lambda system: SYSTEMS[system].probes, results):
        dtypes = SYSTEMS[system].dtypes
        harmed[system] = {dtype: [] for dtype in dtypes}
        for name, probe in PROBES.items():
            for dtype in dtypes:
                wanted, found = results["numpy"][name, dtype].values, results[system][name, dtype].values
                assert wanted is not None
                if found is not None and not all(
                    same_bits(probe, a, b, dtype) for a, b in zip(found, wanted, strict=True)
                ):
                    harmed[system][dtype].append(name)
    return harmed
