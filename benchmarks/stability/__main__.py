"""The command line: which systems, with which interpreters, where the tables go."""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from benchmarks.arguments import interpreter_of, names_among
from benchmarks.report import write
from benchmarks.stability.case import DTYPES
from benchmarks.stability.cases import CASES, FAMILIES, PROBES
from benchmarks.stability.compare import findings, harmed_probes
from benchmarks.stability.finding import BASELINES
from benchmarks.stability.judge import Truth, truths
from benchmarks.stability.report import Report
from benchmarks.stability.systems import SYSTEMS, Result
from benchmarks.stability.worker import Key, groups_for, run_system

HERE = Path(__file__).parent
SUBJECTS = {**{family.name: [case.name for case in family.cases] for family in FAMILIES}, "IEEE answers": list(PROBES)}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stability", description="Naive formulas, as each compiler computes them."
    )
    parser.add_argument(
        "--systems", metavar="A,B", type=names_among(SYSTEMS), default=list(SYSTEMS), help=", ".join(SYSTEMS)
    )
    parser.add_argument("--family", metavar="NAME", action="append", choices=SUBJECTS, help=", ".join(SUBJECTS))
    parser.add_argument("--case", metavar="TEXT", action="append", help="only what has this in its name")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes at a time (2)")
    parser.add_argument(
        "--python", metavar="SYSTEM=PATH", action="append", type=interpreter_of(SYSTEMS), default=[],
        help="an interpreter with that system, where it cannot be installed beside the others",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER",
        help="where RESULTS.md and results.json go; default: this folder for a whole run, nowhere for a part",
    )  # fmt: skip
    parser.add_argument(
        "--keep", action="store_true", help="what is not run stays as results.json in that folder has it"
    )
    options = parser.parse_args(arguments)
    if not chosen(options):
        parser.error("no formula has such a name")
    return options


def chosen(options: argparse.Namespace) -> list[str]:
    """The names of the cases and probes that are asked for."""
    names = [name for family in options.family or SUBJECTS for name in SUBJECTS[family]]
    return [name for name in names if not options.case or any(text in name for text in options.case)]


def exact(keys: Sequence[Key], jobs: int) -> dict[Key, tuple[Truth, Truth]]:
    with ProcessPoolExecutor(jobs) as pool:
        return dict(zip(keys, pool.map(exact_of, keys, chunksize=4), strict=True))


def exact_of(key: Key) -> tuple[Truth, Truth]:
    name, dtype = key
    return truths(CASES[name], dtype)


def compare(options: argparse.Namespace) -> Report:
    """Run all systems that are wanted, and NumPy and PyTorch, which say what the formulas are as written."""
    pythons = dict(options.python)
    wanted = [system for system in SYSTEMS if system in {*options.systems, *BASELINES.values()}]
    names = chosen(options)
    start = time.perf_counter()

    def done(what: str) -> None:
        print(f"{what}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)

    def run(system: str) -> tuple[str, dict[Key, Result]] | ImportError:
        try:
            outcome = run_system(system, pythons.get(system, sys.executable), groups_for(SYSTEMS[system], names))
        except ImportError as error:
            return error
        done(system)
        return outcome

    truth = exact([(name, dtype) for name in names if name in CASES for dtype in DTYPES], options.jobs)
    done("exact values")
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = dict(zip(wanted, pool.map(run, wanted), strict=True))
    absent = {system: str(outcome) for system, outcome in outcomes.items() if isinstance(outcome, ImportError)}
    present = {system: outcome for system, outcome in outcomes.items() if not isinstance(outcome, ImportError)}
    results = {system: found for system, (_, found) in present.items()}
    return Report(
        {system: version for system, (version, _) in present.items()},
        absent,
        findings(results, truth),
        harmed_probes(results) if PROBES.keys() <= set(names) else {},
        len(PROBES),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    report = compare(options)
    whole = not options.family and not options.case and set(options.systems) == set(SYSTEMS)
    folder = options.output or (HERE if whole or options.keep else None)
    if options.keep and folder is not None:
        report = report.with_what_is_missing_from((folder / "results.json").read_text())
    print(report.markdown())
    if folder is not None:
        write(report, folder)


if __name__ == "__main__":
    main()
