"""The command line: `python -m benchmarks.accuracy` measures all problems, prints a table and writes RESULTS.md."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.measure import Row, measure
from benchmarks.accuracy.suite import COLLECTIONS

HERE = Path(__file__).parent
COLUMNS = ("naive", "stable", "balanced", "best", "target", "herbie")
NOTES = """
Bits of error: log2 of one more than how many floats lie between a result and the exact one, rounded; the average over
{count} points of {dtype}, drawn evenly over all floats of the ranges where the exact result is a float. The searches
learnt from other points. "naive" is the formula as written (`semantics="ieee"`), "stable" what is always done,
"balanced" and "best" are `accuracy=`, "target" is the better form that the collection names, as written. Compiled for
the CPU and run; "seconds" is the search for "best" on one core. "Herbie" is the best that nightly reports of the Herbie
project state for its own results, where one was at hand; it draws points alike, but counts those too where the exact
result is less than the smallest float, and many a formula is right as written.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description="Bits of error.")
    parser.add_argument("--only", metavar="NAME", action="append", help="problems whose names contain this")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--points", type=int, default=1000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRAPHC_CACHE_DIR"] = folder  # what was found before would make the times wrong
        text = report(options.only, options.dtype, options.points)
    if not options.only and options.dtype == "float64":
        (HERE / "RESULTS.md").write_text(text)


def report(only: Sequence[str] | None, dtype: str, count: int) -> str:
    """The tables as Markdown; rows are printed as they come."""
    parts = ["# Accuracy", NOTES.format(count=count, dtype=dtype).strip()]
    for title, problems in COLLECTIONS.items():
        chosen = [p for p in problems if not only or any(part in p.name for part in only)]
        rows = []
        for problem in chosen:
            rows.append(measure(problem, dtype, count))
            print(line(rows[-1]), flush=True)
        if rows:
            parts.append("\n".join(table(title, rows)))
    text = "\n\n".join(parts) + "\n"
    sys.stdout.write(text if only is None else "")
    return text


def table(title: str, rows: Sequence[Row]) -> list[str]:
    """A table with the averages below, and over the rows with a target apart."""
    head = ["| problem | naive | stable | balanced | best | target | Herbie | seconds |", "|---" + "|--:" * 7 + "|"]
    averages = {
        "**average**": rows,
        "**where there is a target**": [row for row in rows if row.target is not None],
        "**where Herbie's is known**": [row for row in rows if row.herbie is not None],
    }
    ends = [average(name, chosen) for name, chosen in averages.items() if chosen]
    return [f"## {title}", "", *head, *map(line, [*rows, *ends])]


def average(name: str, rows: Sequence[Row]) -> Row:
    """The averages of the columns that have numbers in all rows, and the sum of the seconds."""
    columns = {column: [getattr(row, column) for row in rows] for column in COLUMNS}
    means = {column: None if None in bits else sum(bits) / len(bits) for column, bits in columns.items()}
    return Row(name, **means, seconds=sum(row.seconds for row in rows))


def line(row: Row) -> str:
    bits = [getattr(row, column) for column in COLUMNS]
    shown = ["" if value is None else f"{value:.1f}" for value in bits]
    return f"| {row.problem} | {' | '.join(shown)} | {row.seconds:.1f} |"


if __name__ == "__main__":
    main()
