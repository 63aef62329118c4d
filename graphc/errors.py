"""Every error that graphc raises on purpose.

An error says what is wrong, shows the values involved with the user's own lines, and says what to do next:

    ShapeError: add: shapes differ
      %x: f32[4]   model.py:12   x = gc.input("x", shape=(4,))
      %y: f32[5]   model.py:13   y = gc.input("y", shape=(5,))
    help: expand one operand, or sum the other
"""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], most: int = 3) -> str:
    """A question with the known names that are most like one; empty if none is."""
    from difflib import get_close_matches  # where an error is made: importing graphc stays cheap

    close = dict.fromkeys(get_close_matches(name, list(known), most))
    return f"did you mean {' or '.join(close)}?" if close else ""


class GraphcError(Exception):
    """Base of all errors of graphc.

    `details` are lines that show the values involved, `help` says what to do next; `located` says that the details
    show the user's line.
    """

    located = False

    def __init__(self, message: str, *, details: Iterable[str] = (), help: str | None = None) -> None:
        self.message = message
        self.details = tuple(details)
        self.help = help
        lines = [message, *("  " + line for line in self.details)]
        if help:
            lines.append("help: " + help)
        super().__init__("\n".join(lines))


class ShapeError(GraphcError, ValueError):
    """Shapes that do not fit together, when a node is made or when a compiled function is called."""


class DTypeError(GraphcError, TypeError):
    """A dtype that an op does not accept, or a conversion that would lose information silently."""


class AxisError(GraphcError, IndexError, ValueError):
    """An axis that is out of range or repeated."""


class IndexOutOfBounds(GraphcError, IndexError):
    """An index outside its axis: static when the node is made, data-dependent when the function runs."""


class GraphError(GraphcError, ValueError):
    """A malformed graph: a missing input, a duplicate name, an update of something that is no parameter."""


class VerifyError(GraphError):
    """An invariant of the IR does not hold; the message shows the graph and the node."""


class ParseError(GraphcError, ValueError):
    """Text that is not a graph; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int, source: str = "", file: str | None = None) -> None:
        self.line, self.column, self.file = line, column, file
        shown = (source.split("\n")[line - 1 : line] or [""])[0]
        details = [shown, " " * (column - 1) + "^"] if shown else []
        super().__init__(f"{file or '<text>'}:{line}:{column}: {message}", details=details)


class GradientError(GraphcError, ValueError):
    """A derivative that does not exist: a cost that is no scalar, an op without a derivative."""


class PipelineError(GraphcError, ValueError):
    """Text that names no pipeline: a pass or an option that does not exist."""


class RewriteError(GraphcError, RuntimeError):
    """A rule that changes types, or rules that rewrite in a cycle; the message names them."""


class ArgumentError(GraphcError, TypeError):
    """A call of a compiled function with too many, too few or unknown arguments, or one that is no array."""


class MismatchError(GraphcError, AssertionError):
    """Compiled code and the reference disagree about a result (found under GRAPHC_CHECK=1)."""


class AssumptionError(GraphcError, ValueError):
    """A value outside of its declared range, or against an assumption (found under GRAPHC_CHECK=1)."""


class NumericalError(GraphcError, ArithmeticError):
    """What can go wrong with numbers, where `compile(..., diagnostics=)` makes that an error."""


class NumericalWarning(UserWarning):
    """What can go wrong with numbers, where `compile(..., diagnostics=)` asks for warnings."""


class LoadError(GraphcError, ValueError):
    """A file whose arrays do not fit the parameters; the message names all that are missing, unexpected or other."""


class CompileError(GraphcError, RuntimeError):
    """A graph that a target could not compile."""


class TargetError(GraphcError, RuntimeError):
    """A target that is unknown or not available on this machine; the message says what is missing."""


class EmulatorError(GraphcError, RuntimeError):
    """A defect that the CUDA emulator found in a kernel: a race, an access out of bounds, a hang."""
