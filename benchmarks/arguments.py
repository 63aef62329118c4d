"""Options that the command lines of the benchmarks share: who takes part, and with which interpreter.

In: what was typed, and the names that there are. Out: the names, or an error of argparse that lists them.
"""

import argparse
from collections.abc import Callable, Collection


def names_among(known: Collection[str]) -> Callable[[str], list[str]]:
    """The type of an option such as `numpy,torch`."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return found

    return names


def interpreter_of(known: Collection[str]) -> Callable[[str], tuple[str, str]]:
    """The type of an option such as `pytensor=.venv/bin/python`."""

    def interpreter(text: str) -> tuple[str, str]:
        name, _, path = text.partition("=")
        if name not in known or not path:
            raise argparse.ArgumentTypeError(f"{text} is not NAME=PATH with a name out of {', '.join(known)}")
        return name, path

    return interpreter
