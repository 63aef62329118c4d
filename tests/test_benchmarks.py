"""The benchmark harness: cases agree with float64, peers take turns, a wrong result is never timed."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.case import outputs
from benchmarks.cases import CASES
from benchmarks.peers import PEERS
from benchmarks.report import Report, duration
from benchmarks.rounds import Outcome, Settings, compare, rotated
from benchmarks.worker import Worker, WorkerError


def test_every_case_has_every_peer_or_leaves_it_out() -> None:
    for case in CASES.values():
        assert set(case.implementations) | set(case.left_out) == set(PEERS), case.name


SMALL = {"recurrence": (50,), "lstm": (5, 2), "convnet": (3, 28, 28)}


@pytest.mark.parametrize("name", ["call_overhead", "softmax", "logsumexp", "cross_entropy", "mlp_step", *SMALL])
def test_numpy_in_single_precision_agrees_with_double(name: str) -> None:
    case = dataclasses.replace(CASES[name], batches=2, checked_calls=2)
    if name in ("softmax", "logsumexp", "cross_entropy", *SMALL):
        case = dataclasses.replace(case, sizes={"small": SMALL.get(name, (8, 16))})
    (size,) = case.sizes
    batches = case.inputs(size)
    function = case.implementations["numpy"](*batches[0])
    results = [[np.asarray(value) for value in outputs(function(*batch))] for batch in batches]
    compare(results, case.truth(size), case.tolerance)


@pytest.mark.parametrize("value", [1.1, np.nan])
def test_a_wrong_result_is_refused(value: float) -> None:
    with pytest.raises(WorkerError, match="wrong result"):
        compare([[np.array([1.0, value])]], [[np.array([1.0, 1.0])]], tolerance=1e-5)


def test_each_round_starts_with_another_peer() -> None:
    assert [rotated(["a", "b", "c"], turn) for turn in range(3)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
    ]


def test_a_worker_that_dies_says_so(tmp_path: Path) -> None:
    worker = Worker("numpy", 1, sys.executable, str(tmp_path))
    worker.process.kill()
    with pytest.raises(WorkerError, match="the process ended"):
        worker.ask("version")
    worker.close()


def test_ratio_is_best_peer_over_graphc() -> None:
    outcomes = [
        Outcome("softmax", "4096x1024", "graphc", [0.002]),
        Outcome("softmax", "4096x1024", "numpy", [0.009]),
        Outcome("softmax", "4096x1024", "jax", [0.003]),
        Outcome("softmax", "4096x1024", "torch", failure="wrong result: off by 1.0e+00 in call 1"),
    ]
    versions = dict.fromkeys(["graphc", "numpy", "torch", "jax"], "1")
    table = Report(Settings(), versions, {"pytensor": "not installed"}, outcomes).markdown()
    assert "| **2.00 ms** | 9.00 ms | 3.00 ms | 1.50 |" in table
    assert "- torch, softmax of rows (4096x1024): wrong result" in table
    assert "- pytensor: not installed" in table


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.5, "1.50 s"), (0.0136, "13.6 ms"), (1.66e-7, "166 ns"), (2e-6, "2.00 µs")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_command_line_writes_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--only", "call_overhead", "--peers", "numpy", "--quick", "--output", str(tmp_path)])
    assert (tmp_path / "RESULTS.md").read_text().strip() in capsys.readouterr().out
    (result,) = json.loads((tmp_path / "results.json").read_text())["results"]
    assert result["failure"] is None and len(result["samples"]) == 3 and 0 < result["seconds"] < 1
