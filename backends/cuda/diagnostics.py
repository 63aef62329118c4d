"""From a compiler's log and the kernel text it speaks of, to lines that a reader can act on."""

import re

from graphc.errors import CompileError

SOURCE_NAME = "kernel.cu"
_LINE = re.compile(rf"{re.escape(SOURCE_NAME)}[:(](\d+)")
_MOST_LOG_LINES = 30


def source_line(source: str, line: int) -> str:
    """The text of a line, counted from 1; empty where there is no such line."""
    lines = source.splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def compile_error(compiler: str, source: str, log: str) -> CompileError:
    """The error for a kernel that `compiler` refused: its log, then each line that the log names."""
    log_lines = log.strip().splitlines()
    named = sorted({int(number) for number in _LINE.findall("\n".join(log_lines[:_MOST_LOG_LINES]))})
    shown = [f"{SOURCE_NAME}:{number}: {source_line(source, number)}" for number in named]
    return CompileError(f"{compiler} refuses the kernel", details=[*log_lines[:_MOST_LOG_LINES], *shown])
