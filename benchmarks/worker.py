"""One peer in a process of its own, told what to do over a pipe.

In: pickled `(command, arguments)` on standard input. Out: pickled `(succeeded, value or message)` on what was
standard output; whatever a library prints goes to standard error.
"""

import gc
import itertools
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import Arrays, Function, outputs
from benchmarks.cases import CASES
from benchmarks.peers import PEERS, environment

ROOT = Path(__file__).parents[1]


class WorkerError(Exception):
    """The peer failed at what it was told; the message is its own."""


class Worker:
    """The parent's end: starts the process, gives a command, waits for the answer."""

    def __init__(self, peer: str, threads: int, python: str, cache: str) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", peer, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=ROOT,
            env=os.environ | environment(threads, cache),
        )

    def ask(self, command: str, *arguments: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        try:
            pickle.dump((command, arguments), self.process.stdin)
            self.process.stdin.flush()
            succeeded, value = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise WorkerError(f"the process ended: {self._last_line()}") from None
        if not succeeded:
            raise WorkerError(value)
        return value

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def _last_line(self) -> str:
        self.process.kill()
        code = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"exit status {code}")


class Session:
    """The child's end: what the peer has built, and the commands."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer, self.threads = PEERS[peer], threads
        self.function: Function | None = None
        self.batches: list[Any] = []

    def version(self) -> str:
        version = self.peer.version()
        self.peer.limit_threads(self.threads)
        return version

    def build(self, case_name: str, size: str) -> tuple[float, list[list[np.ndarray]]]:
        """Seconds from the definition to the first result, and the outputs of the calls to be checked."""
        case = CASES[case_name]
        self.function, self.batches = None, []
        arrays: list[Arrays] = case.inputs(size)
        self.batches = [tuple(self.peer.native(array) for array in batch) for batch in arrays]

        start = time.perf_counter()
        self.function = case.implementations[self.peer.name](*arrays[0])
        first = self._call(0)
        seconds = time.perf_counter() - start

        results = [first, *(self._call(i) for i in range(1, case.checked_calls))]
        return seconds, [[self.peer.to_numpy(value) for value in outputs(result)] for result in results]

    def calibrate(self, seconds: float) -> int:
        """How many calls take about so long; warms caches on the way."""
        calls = 1
        while (taken := self.run(calls)) < seconds / 4:
            calls *= 2 if taken > seconds / 20 else 8
        return max(1, round(calls * seconds / taken))

    def run(self, calls: int) -> float:
        """Seconds that so many calls take."""
        function, finish = self.function, self.peer.finish
        assert function is not None
        batches = itertools.islice(itertools.cycle(self.batches), calls)
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        if finish is None:
            for inputs in batches:
                _ = function(*inputs)
        else:
            for inputs in batches:
                finish(function(*inputs))
        seconds = time.perf_counter() - start
        gc.enable()
        return seconds

    def _call(self, index: int) -> Any:
        assert self.function is not None
        result = self.function(*self.batches[index % len(self.batches)])
        if self.peer.finish is not None:
            self.peer.finish(result)
        return result


def keep_to_cores(count: int) -> None:
    """Thread pools of some libraries heed only the cores that the process may run on."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def serve(peer: str, threads: int) -> None:
    commands = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    keep_to_cores(threads)
    session = Session(peer, threads)
    while True:
        try:
            command, arguments = pickle.load(commands)
        except EOFError:
            return
        try:
            answer = True, getattr(session, command)(*arguments)
        except Exception as error:
            message = str(error).strip() or repr(error)
            answer = False, f"{type(error).__name__}: {message.splitlines()[0]}"
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
