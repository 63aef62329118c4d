"""What a benchmark is: inputs, and one implementation for each library.

In: a formula or a builder for each peer. Out: a `Case`, which any worker can build and run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Arrays = tuple[np.ndarray, ...]
Function = Callable[..., Any]
Builder = Callable[..., Function]  # takes sample inputs (NumPy arrays), gives the function to be timed


@dataclass(frozen=True)
class Case:
    """One benchmark.

    `implementations["numpy"]`, built for float64 samples, is also the truth that peers have to agree with.
    """

    name: str
    title: str
    sizes: Mapping[str, tuple[int, ...]]
    make_inputs: Callable[[tuple[int, ...], np.random.Generator], Arrays]
    implementations: Mapping[str, Builder]
    tolerance: float = 1e-5
    """Largest difference from the truth, relative to the largest magnitude of each output."""
    batches: int = 1
    """Different inputs that the calls go through in turn."""
    checked_calls: int = 1
    """Calls whose outputs are compared; more than one where the function has a state."""
    measures: Literal["call", "build"] = "call"
    """Time of one call, or time from the definition to the first result in a fresh process."""
    left_out: tuple[str, ...] = ()
    """Peers that have nothing to measure here; NumPy still says what is right."""
    notes: tuple[str, ...] = ()

    def inputs(self, size: str) -> list[Arrays]:
        """The batches of inputs, the same in every process."""
        generator = np.random.default_rng(0)
        return [self.make_inputs(self.sizes[size], generator) for _ in range(self.batches)]

    def truth(self, size: str) -> list[list[np.ndarray]]:
        """Outputs of the checked calls in float64."""
        batches = [tuple(in_double(array) for array in batch) for batch in self.inputs(size)]
        function = self.implementations["numpy"](*batches[0])
        return [outputs(function(*batches[i % len(batches)])) for i in range(self.checked_calls)]


def in_double(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def outputs(result: Any) -> list[Any]:
    """The results of a call as a list, whether it gave one or several."""
    return list(result) if isinstance(result, tuple | list) else [result]
