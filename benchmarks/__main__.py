"""The command line: which cases, which peers, how long."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import interpreter_of, names_among
from benchmarks.cases import CASES
from benchmarks.peers import PEERS
from benchmarks.report import Report, duration, write
from benchmarks.rounds import Settings, measure, versions

HERE = Path(__file__).parent


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The same work side by side.")
    parser.add_argument("--only", metavar="NAME", action="append", choices=CASES, help=", ".join(CASES))
    parser.add_argument("--peers", metavar="A,B", type=names_among(PEERS), default=list(PEERS), help=", ".join(PEERS))
    parser.add_argument("--quick", action="store_true", help="3 short rounds")
    parser.add_argument("--rounds", type=positive, metavar="N", help="turns of each peer (9)")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="threads of each peer (1)")
    parser.add_argument(
        "--python", metavar="PEER=PATH", action="append", type=interpreter_of(PEERS), default=[],
        help="an interpreter with that peer, where it cannot be installed beside the others",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER",
        help="where RESULTS.md and results.json go; default: benchmarks/ for a whole run, nowhere for a part",
    )  # fmt: skip
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    pythons = dict.fromkeys(options.peers, sys.executable) | dict(options.python)
    settings = Settings(
        threads=options.threads,
        rounds=options.rounds or (3 if options.quick else 9),
        sample_seconds=0.02 if options.quick else 0.1,
        pythons={peer: pythons[peer] for peer in options.peers},
    )
    present, missing = versions(settings)
    outcomes = []
    for name in options.only or CASES:
        for size in CASES[name].sizes:
            for outcome in measure(CASES[name], size, list(present), settings):
                result = outcome.failure if outcome.seconds is None else duration(outcome.seconds)
                print(f"{name:18} {size:14} {outcome.peer:14} {result}", file=sys.stderr, flush=True)
                outcomes.append(outcome)

    report = Report(settings, present, missing, outcomes)
    print(report.markdown())
    whole = not options.only and not options.quick and options.peers == list(PEERS)
    folder = options.output or (HERE if whole else None)
    if folder is not None:
        write(report, folder)


if __name__ == "__main__":
    main()
