"""Peers take turns: in each round every peer runs once, and the next round starts with another one.

In: cases and the peers to run. Out: an `Outcome` for each case, size and peer. Only one process computes at a
time, so that a busy minute of the machine falls on all of them.
"""

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from benchmarks.case import Case
from benchmarks.worker import Worker, WorkerError

T = TypeVar("T")

WARMING_CASE = "call_overhead"
BUILD_ROUNDS = 3  # a build takes seconds and varies little


@dataclass
class Outcome:
    """What one peer did with one case and size: seconds of each round, or why there are none."""

    case: str
    size: str
    peer: str
    samples: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def seconds(self) -> float | None:
        return statistics.median(self.samples) if self.samples and self.failure is None else None


@dataclass(frozen=True)
class Settings:
    threads: int = 1
    rounds: int = 9
    sample_seconds: float = 0.1
    pythons: Mapping[str, str] = field(default_factory=dict)
    """The interpreter of each peer."""


@contextmanager
def worker(peer: str, settings: Settings, cache: str) -> Iterator[Worker]:
    process = Worker(peer, settings.threads, settings.pythons[peer], cache)
    try:
        yield process
    finally:
        process.close()


def versions(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Versions of the peers that are there, and the reasons for those that are not."""
    present, missing = {}, {}
    for peer in settings.pythons:
        with tempfile.TemporaryDirectory() as cache, worker(peer, settings, cache) as process:
            try:
                present[peer] = process.ask("version")
            except WorkerError as error:
                missing[peer] = str(error)
    return present, missing


def measure(case: Case, size: str, peers: Sequence[str], settings: Settings) -> list[Outcome]:
    """Outcomes of the peers that have an implementation, in the order given."""
    taking_part = [peer for peer in peers if peer in case.implementations and peer not in case.left_out]
    outcomes = [Outcome(case.name, size, peer) for peer in taking_part]
    truth = case.truth(size)
    if case.measures == "build":
        measure_builds(case, truth, outcomes, settings)
    else:
        measure_calls(case, truth, outcomes, settings)
    return outcomes


def measure_calls(case: Case, truth: list[list[np.ndarray]], outcomes: list[Outcome], settings: Settings) -> None:
    with ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        ready: list[tuple[Outcome, Worker, int]] = []
        for outcome in outcomes:
            process = stack.enter_context(worker(outcome.peer, settings, cache))
            with failures_of(outcome):
                process.ask("version")
                _, results = process.ask("build", case.name, outcome.size)
                compare(results, truth, case.tolerance)
                ready.append((outcome, process, process.ask("calibrate", settings.sample_seconds)))
        for turn in range(settings.rounds):
            for outcome, process, calls in rotated(ready, turn):
                if outcome.failure is None:
                    with failures_of(outcome):
                        outcome.samples.append(process.ask("run", calls) / calls)


def measure_builds(case: Case, truth: list[list[np.ndarray]], outcomes: list[Outcome], settings: Settings) -> None:
    """Each build has a process of its own; for a filled cache, one that is not counted comes before."""
    for turn in range(min(settings.rounds, BUILD_ROUNDS)):
        for outcome in rotated(outcomes, turn):
            if outcome.failure is not None:
                continue
            with failures_of(outcome), tempfile.TemporaryDirectory() as cache:
                if outcome.size == "filled cache":
                    build_once(case, truth, outcome, settings, cache)
                outcome.samples.append(build_once(case, truth, outcome, settings, cache))


def build_once(case: Case, truth: list[list[np.ndarray]], outcome: Outcome, settings: Settings, cache: str) -> float:
    with worker(outcome.peer, settings, cache) as process:
        process.ask("version")
        process.ask("build", WARMING_CASE, "8")
        seconds, results = process.ask("build", case.name, outcome.size)
    compare(results, truth, case.tolerance)
    return float(seconds)


@contextmanager
def failures_of(outcome: Outcome) -> Iterator[None]:
    try:
        yield
    except WorkerError as error:
        outcome.failure = str(error)


def compare(results: list[list[np.ndarray]], truth: list[list[np.ndarray]], tolerance: float) -> None:
    """Raise unless every output of every call is as near to the truth as the case asks."""
    for call, (result, true) in enumerate(zip(results, truth, strict=True), 1):
        if len(result) != len(true):
            raise WorkerError(f"wrong result: {len(result)} outputs instead of {len(true)}")
        for value, exact in zip(result, true, strict=True):
            if value.shape != np.shape(exact):
                raise WorkerError(f"wrong result: shape {value.shape} instead of {np.shape(exact)}")
            difference = np.max(np.abs(value - exact)) / np.max(np.abs(exact))
            if not difference <= tolerance:
                raise WorkerError(f"wrong result: off by {difference:.1e} in call {call}")


def rotated(items: list[T], turn: int) -> list[T]:
    start = turn % max(1, len(items))
    return items[start:] + items[:start]
