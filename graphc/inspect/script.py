"""Python scripts on the command line: a file comes in, the graphs of the functions that it compiles go out."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from graphc.errors import GraphcError, GraphError
from graphc.ir.graph import Graph
from graphc.runtime.function import CompiledFunction


def graphs_of_script(path: Path) -> list[Graph]:
    """The graphs, as written, of the compiled functions that a script stores in its variables.

    The script runs as an imported module does: not what it does `if __name__ == "__main__"`. What it prints goes to
    stderr. Raises GraphError for what the script raises, at its line, and where it stores no compiled function.
    """
    with _as_the_program(path), redirect_stdout(sys.stderr):
        try:
            variables = runpy.run_path(str(path), run_name=path.stem)
        except (GraphcError, KeyboardInterrupt):
            raise
        except SyntaxError as error:
            place = f"{error.filename}:{error.lineno}"
            raise GraphError(f"{place}: {error.msg}", details=[(error.text or "").strip()]) from None
        except BaseException as error:  # SystemExit is one, too
            raise _at_its_line(error, str(path)) from None
    graphs = {id(value): value.source_graph for value in variables.values() if isinstance(value, CompiledFunction)}
    if not graphs:
        raise GraphError(f"{path} stores no compiled function in a variable", help="such as f = gc.compile([x], y)")
    return list(graphs.values())


@contextmanager
def _as_the_program(path: Path) -> Iterator[None]:
    """A time in which modules beside a script are found, as when Python runs it."""
    sys.path.insert(0, str(path.parent))
    try:
        yield
    finally:
        sys.path.remove(str(path.parent))


def _at_its_line(error: BaseException, file: str) -> GraphError:
    """An error with the last line of a file on the way to it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    place = f"{file}:{frames[-1].lineno}" if frames else file
    return GraphError(f"{place}: {type(error).__name__}: {error}", details=[frames[-1].line or ""] if frames else [])
