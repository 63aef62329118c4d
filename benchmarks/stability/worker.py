"""One system in a process of its own, so that a crash or an endless compilation ends one task and not the battery.

In: the names of tasks over a pipe. Out: pickled `(key, Result)` as each is done; whatever a library prints goes to
standard error.
"""

import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers import environment
from benchmarks.stability.case import DTYPES
from benchmarks.stability.cases import CASES, FAMILIES, PROBES
from benchmarks.stability.systems import SYSTEMS, Result, System, Task, run_together

ROOT = Path(__file__).parents[2]
SECONDS_A_TASK = 120
SECONDS_A_GROUP = 900  # many tasks compiled as one function

Key = tuple[str, str]  # of a case or probe: name and dtype


def all_groups() -> list[list[Key]]:
    """Cases and probes in both dtypes, in groups that may be compiled as one function."""
    names = [*([case.name for case in family.cases] for family in FAMILIES), list(PROBES)]
    return [[(name, dtype) for name in group] for group in names for dtype in DTYPES]


def groups_for(system: System, chosen: Collection[str]) -> list[list[Key]]:
    """What a system has to do of that which was chosen by name."""
    asked = {*(CASES if system.cases else ()), *(PROBES if system.probes else ())}.intersection(chosen)
    groups = [[key for key in group if key[0] in asked and key[1] in system.dtypes] for group in all_groups()]
    return [group for group in groups if group]


def task(key: Key) -> Task:
    name, dtype = key
    subject = CASES.get(name) or PROBES[name]
    return Task(name, dtype, subject.formula, subject.arrays(dtype), subject.gradient, subject.together)


class Crash(Exception):
    """The process ended, or took too long."""


class Worker:
    """The parent's end of one process."""

    def __init__(self, system: str, python: str, cache: str) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.stability.worker", system],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, cwd=ROOT,
            env=os.environ | environment(1, cache),
        )  # fmt: skip
        self.answers: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, request: Any) -> None:
        assert self.process.stdin
        try:
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says so

    def answer(self, seconds: float) -> Any:
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Crash(f"no answer in {seconds} s") from None
        if answer is None:
            raise Crash(f"the process ended: {self._last_line()}")
        return answer

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()

    def _listen(self) -> None:
        assert self.process.stdout
        try:
            while True:
                self.answers.put(pickle.load(self.process.stdout))
        except (EOFError, pickle.UnpicklingError, ValueError):
            self.answers.put(None)

    def _last_line(self) -> str:
        code = self.process.wait()
        self.log.seek(0)
        lines = [line for line in self.log.read().decode(errors="replace").split("\n") if line.strip()]
        return f"exit status {code}" + (f": {lines[-1][:120]}" if lines else "")


def run_system(
    system: str, python: str, work: list[list[Key]], done: Callable[[Key, Result], None] = lambda key, result: None
) -> tuple[str, dict[Key, Result]]:
    """The version of a system and its results; Crash where it cannot be started at all."""
    results: dict[Key, Result] = {}
    with tempfile.TemporaryDirectory() as cache:
        worker = Worker(system, python, cache)
        version = worker.answer(SECONDS_A_TASK)
        if isinstance(version, ImportError):
            worker.close()
            raise version
        for group in work:
            while rest := [key for key in group if key not in results]:
                worker.ask(rest)
                try:
                    for _ in rest:
                        key, result = worker.answer(SECONDS_A_GROUP if SYSTEMS[system].together else SECONDS_A_TASK)
                        results[key] = result
                        done(key, result)
                except Crash as crash:
                    victim = next(key for key in rest if key not in results)
                    results[victim] = Result(failure=str(crash))
                    worker.close()
                    worker = Worker(system, python, cache)
                    worker.answer(SECONDS_A_TASK)
        worker.close()
    return version, results


def results_of(system: str, keys: list[Key]) -> Iterator[tuple[Key, Result]]:
    if SYSTEMS[system].together:
        yield from zip(keys, run_together([task(key) for key in keys]), strict=True)
        return
    for key in keys:
        yield key, SYSTEMS[system].run(task(key))


def serve(system: str) -> None:
    warnings.simplefilter("ignore")
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def send(answer: Any) -> None:
        pickle.dump(answer, answers)
        answers.flush()

    try:
        send(SYSTEMS[system].version())
    except ImportError as error:
        send(ImportError(str(error)))
        return
    while True:
        try:
            keys = pickle.load(requests)
        except EOFError:
            return
        for answer in results_of(system, keys):
            send(answer)


if __name__ == "__main__":
    serve(sys.argv[1])
