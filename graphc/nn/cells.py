"""Cells: what one step of a recurrent network does with its state; a state and an input come in, a state goes out.

What a cell does with the input alone is apart, in `project`, so that a layer can do it for all steps at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

import graphc as gc
from graphc.ir.node import Node
from graphc.nn.linear import last_axis
from graphc.nn.module import Module, Seed, part

State = Any
"""What a cell remembers: a node (batch, hidden), or a tuple of them."""


class Cell(Module):
    """What cells share: `weight` for the input, `recurrent` for the state, each as wide as all gates together."""

    gates: ClassVar[int]

    def __init__(self, inputs: int, hidden: int, *, seed: Seed, bias: bool = True, dtype: Any = "float32") -> None:
        self.hidden = hidden
        self.weight = self._gated("weight", inputs, gc.init.lecun_uniform, part(seed, 0), dtype)
        self.recurrent = self._gated("recurrent", hidden, gc.init.orthogonal, part(seed, 1), dtype)
        self.bias = gc.parameter("bias", gc.init.zeros(self.gates * hidden, dtype)) if bias else None

    def __call__(self, x: Node, state: State) -> State:
        """The next state, from an input (batch, inputs)."""
        return self.step(self.project(x), state)

    def project(self, x: Node) -> Node:
        """What the gates get from inputs (..., inputs)."""
        last_axis(x, self.weight.shape[0], type(self).__name__)
        gates: Node = x @ self.weight
        return gates if self.bias is None else gates + self.bias

    @abstractmethod
    def step(self, gates: Node, state: State) -> State:
        """The next state, from what the gates get from the input."""

    def first(self, batch: Any) -> State:
        """The state before the first step: zeros."""
        return gc.zeros((batch, self.hidden), self.weight.dtype)

    def output(self, state: State) -> Node:
        """What of the state the next layer sees."""
        return state

    def _gated(self, name: str, inputs: int, init: Callable[..., Any], seed: Seed, dtype: Any) -> Node:
        """A matrix for each gate, side by side, each with first values of its own."""
        parts = [init((inputs, self.hidden), seed=part(seed, gate), dtype=dtype) for gate in range(self.gates)]
        return gc.parameter(name, np.concatenate(parts, axis=1))

    def _gate(self, gates: Node, number: int) -> Node:
        return gates[..., number * self.hidden : (number + 1) * self.hidden]


class RNNCell(Cell):
    """h = activation(x weight + h recurrent + bias). Elman, "Finding structure in time", 1990."""

    gates = 1

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        seed: Seed,
        activation: Callable[[Any], Any] = gc.tanh,
        bias: bool = True,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(inputs, hidden, seed=seed, bias=bias, dtype=dtype)
        self.activation = activation

    def step(self, gates: Node, state: State) -> State:
        return self.activation(gates + state @ self.recurrent)


class LSTMCell(Cell):
    """Long short-term memory, whose state is (h, c); gates are input, forget, cell, output, in this order.

    Hochreiter and Schmidhuber, 1997, with the forget gate of Gers, Schmidhuber and Cummins, 2000, whose bias
    begins at `forget_bias` (Jozefowicz, Zaremba and Sutskever, 2015).
    """

    gates = 4

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        seed: Seed,
        forget_bias: float = 1.0,
        bias: bool = True,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(inputs, hidden, seed=seed, bias=bias, dtype=dtype)
        if self.bias is not None:
            first = np.repeat([0.0, forget_bias, 0.0, 0.0], hidden)
            self.bias = gc.parameter("bias", first, dtype)

    def step(self, gates: Node, state: State) -> State:
        h, c = state
        gates = gates + h @ self.recurrent
        enter, keep, new, leave = (self._gate(gates, number) for number in range(4))
        c = gc.sigmoid(keep) * c + gc.sigmoid(enter) * gc.tanh(new)
        return gc.sigmoid(leave) * gc.tanh(c), c

    def first(self, batch: Any) -> State:
        return super().first(batch), super().first(batch)

    def output(self, state: State) -> Node:
        return state[0]


class GRUCell(Cell):
    """Gated recurrent unit; gates are reset, update, new, in this order. Reset acts after the recurrent matrix.

    Cho et al., 2014, in the form of Chung, Gulcehre, Cho and Bengio, "Empirical evaluation of gated recurrent
    neural networks on sequence modeling", 2014, as cuDNN has it.
    """

    gates = 3

    def __init__(self, inputs: int, hidden: int, *, seed: Seed, bias: bool = True, dtype: Any = "float32") -> None:
        super().__init__(inputs, hidden, seed=seed, bias=bias, dtype=dtype)
        self.recurrent_bias = gc.parameter("recurrent_bias", gc.init.zeros(hidden, dtype)) if bias else None

    def step(self, gates: Node, state: State) -> State:
        inner = state @ self.recurrent
        reset, update = (gc.sigmoid(self._gate(gates, number) + self._gate(inner, number)) for number in range(2))
        candidate = self._gate(inner, 2)
        if self.recurrent_bias is not None:
            candidate = candidate + self.recurrent_bias
        new = gc.tanh(self._gate(gates, 2) + reset * candidate)
        return (1 - update) * new + update * state
