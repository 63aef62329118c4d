"""Recurrent layers: sequences come in, the outputs of all steps and the last state go out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.cells import Cell, GRUCell, LSTMCell, RNNCell, State
from graphc.nn.dropout import Dropout
from graphc.nn.module import Module, Seed, call, part


class Recurrent(Module):
    """A cell along the steps of sequences (batch, time, inputs), or (time, batch, inputs) with `time_first`.

    `reverse` begins at the end. The options `checkpoint` and `truncate` are those of `gc.scan`.
    """

    def __init__(self, cell: Cell, *, reverse: bool = False, time_first: bool = False, **options: Any) -> None:
        self.cell, self.reverse, self.time_first, self.options = cell, reverse, time_first, options

    def __call__(self, x: Node, first: State = None, *, lengths: Node | None = None) -> tuple[Node, State]:
        """The outputs of all steps, in the layout of x, and the last state.

        `first` is the state to begin with, zeros if not given. With `lengths`, integers (batch,), a sequence has
        only so many steps: the state does not change in the others, and their outputs are 0.
        """
        if x.ndim != 3:
            raise ShapeError("sequences have three axes: batch, time and inputs", details=[describe(x)])
        gates = self.cell.project(x)
        gates = gates if self.time_first else gc.transpose(gates, (1, 0, 2))
        state = self.cell.first(gates.shape[1]) if first is None else first
        times = gc.iota(gates.shape[0]) if lengths is not None else None

        def step(state: State, given: Any) -> tuple[State, Node]:
            gates, time = given
            new = self.cell.step(gates, state)
            y = self.cell.output(new)
            if lengths is None:
                return new, y
            runs = (time < lengths)[:, None]
            return _chosen(runs, new, state), gc.where(runs, y, 0)

        last, ys = gc.scan(step, state, (gates, times), reverse=self.reverse, **self.options)
        return ys if self.time_first else gc.transpose(ys, (1, 0, 2)), last


class Bidirectional(Module):
    """Two layers side by side, one from the end; their outputs together. Schuster and Paliwal, 1997."""

    def __init__(self, forward: Recurrent, backward: Recurrent) -> None:
        self.forward, self.backward = forward, backward

    def __call__(self, x: Node, first: State = None, *, lengths: Node | None = None) -> tuple[Node, State]:
        """The outputs of both, one behind the other in the last axis, and both last states."""
        begin = (None, None) if first is None else first
        there, last = self.forward(x, begin[0], lengths=lengths)
        back, first_of_back = self.backward(x, begin[1], lengths=lengths)
        return gc.concat([there, back], axis=-1), (last, first_of_back)


class RecurrentLayers(Module):
    """Layers of one kind of cell, one above the other, each forward or both ways, with dropout between them.

    Further options are those of the cell.
    """

    cell: ClassVar[Callable[..., Cell]]

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        seed: Seed,
        layers: int = 1,
        bidirectional: bool = False,
        time_first: bool = False,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        def one(size: int, seed: Seed, reverse: bool) -> Recurrent:
            cell = type(self).cell(size, hidden, seed=seed, **options)
            return Recurrent(cell, reverse=reverse, time_first=time_first)

        self.layers: list[Recurrent | Bidirectional] = []
        for number in range(layers):
            size = inputs if number == 0 else hidden * (2 if bidirectional else 1)
            there = one(size, part(part(seed, number), 0), reverse=False)
            back = one(size, part(part(seed, number), 1), reverse=True) if bidirectional else None
            self.layers.append(there if back is None else Bidirectional(there, back))
        between = range(layers - 1) if dropout else ()
        self.dropouts = [Dropout(dropout, seed=part(part(seed, number), 2)) for number in between]

    def __call__(
        self, x: Node, first: list[State] | None = None, *, lengths: Node | None = None, training: bool | None = None
    ) -> tuple[Node, list[State]]:
        """The outputs of the last layer, and the last state of each; states are pairs if it goes both ways."""
        states: list[State] = []
        for number, layer in enumerate(self.layers):
            if number and self.dropouts:
                x = call(self.dropouts[number - 1], x, training)
            x, state = layer(x, first[number] if first is not None else None, lengths=lengths)
            states.append(state)
        return x, states


class RNN(RecurrentLayers):
    """Layers of `RNNCell`."""

    cell = RNNCell


class LSTM(RecurrentLayers):
    """Layers of `LSTMCell`."""

    cell = LSTMCell


class GRU(RecurrentLayers):
    """Layers of `GRUCell`."""

    cell = GRUCell


def _chosen(condition: Node, new: State, old: State) -> State:
    if isinstance(new, tuple):
        return tuple(gc.where(condition, n, o) for n, o in zip(new, old, strict=True))
    return gc.where(condition, new, old)
