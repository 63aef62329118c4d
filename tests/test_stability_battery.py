"""The battery of benchmarks/stability: its exact numbers are exact, its verdicts just, and graphc gets no worse."""

import dataclasses
import json
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest

from benchmarks.stability import __main__ as command
from benchmarks.stability.case import Case, Probe
from benchmarks.stability.cases import CASES, FAMILIES, PROBES
from benchmarks.stability.compare import finding_of, harmed_probes
from benchmarks.stability.exact import NotCertain, exact_slopes, exact_values
from benchmarks.stability.finding import Finding, from_trees
from benchmarks.stability.judge import right, same_bits, truths, verdicts
from benchmarks.stability.report import Report
from benchmarks.stability.systems import SYSTEMS, Result, Task
from benchmarks.stability.words import MissingWord, missing
from benchmarks.stability.worker import Crash, Worker, groups_for, run_system, task

RECORDED = json.loads((Path(command.__file__).parent / "results.json").read_text())
inf, nan = math.inf, math.nan


# --- what is exact ---


def exact(formula, *inputs):
    """Value and derivatives of a formula of scalars."""
    case = Case("", "-", formula, [inputs])
    (arrays,) = case.arrays("float64")
    (value,), slopes = exact_values(case, arrays, "float64"), exact_slopes(case, arrays, "float64")
    return value, [slope[0] for slope in slopes]


def test_exact_numbers_do_not_overflow_or_cancel():
    value, (slope,) = exact(lambda xp, x: xp.log(1 - xp.sigmoid(x)), 1000)
    assert value == -1000 and abs(slope + 1) < 1e-300
    value, (slope,) = exact(lambda xp, x: (1 - xp.cos(x)) / x**2, 1e-10)
    assert abs(value - 0.5) < 1e-20 and abs(slope + mpmath.mpf(1e-10) / 12) < 1e-29


def test_exact_derivatives_are_those_of_mpmath():
    value, slopes = exact(lambda xp, x, y: xp.erf(x) * xp.lgamma(y) + xp.atan2(x, y), 0.5, 2.5)
    with mpmath.workdps(40):
        assert mpmath.almosteq(value, mpmath.erf(0.5) * mpmath.loggamma(2.5) + mpmath.atan2(0.5, 2.5), 1e-15)
        by_x = mpmath.diff(lambda x: mpmath.erf(x) * mpmath.loggamma(2.5) + mpmath.atan2(x, 2.5), 0.5)
        assert mpmath.almosteq(slopes[0], by_x, 1e-15)


def test_rows_are_differentiated_with_weights():
    """Of values x0 + x1 and x0 x1, the second counts once and a half."""
    case = Case("", "-", lambda xp, x: xp.stack([x[0] + x[1], x[0] * x[1]]), [[2, 5]])
    (slope,) = exact_slopes(case, case.arrays("float64")[0], "float64")
    assert [float(s) for s in slope] == [1 + 1.5 * 5, 1 + 1.5 * 2]


def test_a_derivative_that_does_not_exist_has_to_be_stated():
    with pytest.raises(NotCertain):
        exact(lambda xp, x: xp.where(x > 0, xp.sqrt(x), 0), 0)


def test_0_is_believed_late():
    """Below 11,000 bits this looks like 0."""
    value, _ = exact(lambda xp, x: (1 + xp.exp(-x)) - 1, 7500)
    assert mpmath.almosteq(value, mpmath.exp(-7500))
    value, (slope,) = exact(lambda xp, x: (x + 1) - x - 1, 3)
    assert value == slope == 0


def test_constants_are_the_floats_that_systems_get():
    (value,) = exact_values(Case("", "-", lambda xp, x: x * xp.number(0.1), [1]), (np.ones(1),), "float32")
    assert float(value) == float(np.float32(0.1))


# --- what is right ---


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        (1 + 256 * 2**-52, 1, True), (1 + 300 * 2**-52, 1, False), (nan, 1, False), (inf, 1, False), (nan, nan, True),
        (inf, 10**400, True), (-inf, 10**400, False), (0.0, mpmath.mpf("1e-400"), True), (0.0, 1e-300, False),
    ],
)  # fmt: skip
def test_right(found, truth, expected):
    assert right(found, mpmath.mpf(truth), "float64") is expected


def test_verdicts():
    assert verdicts([True, False, True, False, None], [True, True, False, False, True]) == "krhw-"


def test_ieee_answers_have_signs_of_zero():
    exactly, roughly = (Probe("", lambda xp, x: x, [0], rounded=rounded) for rounded in (False, True))
    one, next_to_one = np.array([1.0]), np.nextafter([1.0], 2)
    assert not same_bits(roughly, np.array([0.0]), np.array([-0.0]), "float64")
    assert same_bits(exactly, np.array([nan]), np.array([-nan]), "float64")
    assert same_bits(roughly, next_to_one, one, "float64") and not same_bits(exactly, next_to_one, one, "float64")


def test_a_repaired_and_a_harmed_case():
    case = CASES["log(1 + x)"]
    key = case.name, "float64"
    truth = truths(case, "float64")[0]
    naive = SYSTEMS["numpy"].run(task(key))
    good = Result([np.log1p(*case.arrays("float64")[0])])
    (repaired,) = finding_of({"numpy": {key: naive}, "good": {key: good}}, "good", key, "value", truth)
    (harmed,) = finding_of({"numpy": {key: good}, "bad": {key: naive}}, "bad", key, "value", truth)
    (failed,) = finding_of({"numpy": {key: good}, "bad": {key: Result(failure="-")}}, "bad", key, "value", truth)
    assert (repaired.verdicts, harmed.verdicts, failed.verdicts) == ("rrrrkk", "hhhhkk", "ffffff")
    assert repaired.right and not harmed.right and not failed.right


# --- systems and processes ---


def test_a_word_that_is_missing_is_a_failure_of_the_case():
    def formula(_xp, x):
        return missing("zeta")(x)

    with pytest.raises(MissingWord, match="no function zeta"):
        formula(None, 1)
    result = SYSTEMS["numpy"].run(Task("", "float64", formula, [(np.ones(1),)], False, True))
    assert result.values is None and result.failure == "MissingWord: no function zeta"


def test_a_crash_ends_one_task(monkeypatch):
    """The process is killed before its second answer; a new one goes on with the third task."""
    answer, calls = Worker.answer, []

    def dying(self, seconds):
        calls.append(None)
        if len(calls) == 3:  # after the version and one result
            raise Crash("killed")
        return answer(self, seconds)

    monkeypatch.setattr(Worker, "answer", dying)
    keys = [(name, "float64") for name in list(CASES)[:3]]
    _, results = run_system("numpy", command.sys.executable, [keys])
    assert [results[key].failure for key in keys] == ["", "killed", ""]


def test_names_are_unique_and_points_of_one_shape():
    assert len(CASES) == sum(len(family.cases) for family in FAMILIES)
    assert not CASES.keys() & PROBES.keys()
    assert len(CASES) >= 150 and len(PROBES) >= 40
    for case in CASES.values():
        for dtype in ("float32", "float64"):
            assert len({tuple(x.shape for x in arrays) for arrays in case.arrays(dtype)}) == 1, case.name


def test_command_line_writes_tables(tmp_path, capsys):
    command.main(["--systems", "numpy", "--family", "linear algebra", "--jobs", "1", "--output", str(tmp_path)])
    assert (tmp_path / "RESULTS.md").read_text().strip() in capsys.readouterr().out
    assert json.loads((tmp_path / "results.json").read_text())["verdicts"]["numpy"]


def test_report_lists_what_graphc_gets_wrong():
    findings = [Finding("numpy", "log(1 + x)", "float32", "value", "wwwwkk")]
    findings += [Finding("graphc", "log(1 + x)", "float32", "value", "rrrrkh")]
    text = Report({"numpy": "2", "graphc": "0"}, {"jax": "not installed"}, findings, {}, 3).markdown()
    assert "Absent: jax (not installed)." in text
    assert "- log(1 + x) (S31): value float32: -0.5 (harmed)" in text
    assert "| graphc | 4 | 1 | 1 | 0 |" in text


def test_results_are_read_back():
    findings = [Finding("graphc", "log(1 + x)", "float32", "value", "rrrrkk")]
    findings += [Finding("jax", "log(1 + x)", "float64", "gradient", "ff", "no such function")]
    report = Report({"graphc": "0", "jax": "0"}, {}, findings, {}, 3)
    assert list(from_trees(json.loads(report.json()))) == findings
    newer = Report({"graphc": "1"}, {}, [dataclasses.replace(findings[0], verdicts="wwwwkk")], {}, 3)
    both = newer.with_what_is_missing_from(report.json())
    assert both.versions == {"jax": "0", "graphc": "1"} and [f.verdicts for f in both.findings] == ["ff", "wwwwkk"]


# --- graphc gets no worse ---


def recorded(kind):
    """The cases that were right in float32 when results.json was written."""
    findings = (f for f in from_trees(RECORDED) if (f.system, f.kind, f.dtype) == ("graphc", kind, "float32"))
    return {finding.case for finding in findings if finding.right and finding.case in CASES}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_values_stay_right(family):
    names = {case.name for case in family.cases} & recorded("value")
    assert names
    assert not wrong(names, "value")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_derivatives_stay_right(family):
    names = [case.name for case in family.cases if case.name in recorded("gradient")][::5]
    assert not wrong(names, "gradient")


def wrong(names, kind):
    """The findings of graphc that are not right any more; every case counts, whatever it is as it is written."""
    found = []
    for name in names:
        key = name, "float32"
        one = task(key) if kind == "gradient" else dataclasses.replace(task(key), gradient=False)
        case = CASES[name] if kind == "gradient" else dataclasses.replace(CASES[name], gradient=False)
        result = SYSTEMS["graphc"].run(one)
        exact = dict(zip(("value", "gradient"), truths(case, "float32"), strict=True))[kind]
        results = {system: {key: result} for system in ("numpy", "torch", "graphc")}
        assert not result.failure, (name, result.failure)
        found += [finding for finding in finding_of(results, "graphc", key, kind, exact) if not finding.right]
    return found


@pytest.mark.parametrize("system", ["graphc", "graphc ieee"])
def test_ieee_answers_are_kept(system):
    keys = [key for group in groups_for(SYSTEMS[system], PROBES) for key in group]
    results = {name: {key: SYSTEMS[name].run(task(key)) for key in keys} for name in ("numpy", system)}
    harmed = harmed_probes(results)[system]
    for dtype, names in harmed.items():
        assert set(names) <= set(RECORDED["harmed_probes"][system][dtype]), names
