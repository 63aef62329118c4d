"""Labels without times: how likely a sequence of labels is under all ways in which it may lie along the time."""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.losses.reduction import Reduction, reduced
from graphc.ops.conversion import as_node


def ctc(
    log_probabilities: Any,
    labels: Any,
    *,
    lengths: Any = None,
    label_lengths: Any = None,
    blank: int = 0,
    reduction: Reduction = "mean",
) -> Node:
    """-log of the probability of labels (batch, count), given log-probabilities (batch, time, classes).

    A path has a class at each time; repetitions, then blanks, are taken out of it. `lengths` and `label_lengths`,
    integers (batch,), say how much of a row counts. Labels that do not fit into the time give inf, with the gradient
    0. The mean is over the batch, of losses divided by the number of labels (at least 1).

    Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification", 2006, equations 5 to 8, with
    logarithms of probabilities.
    """
    x, y = as_node(log_probabilities), as_node(labels)
    _check(x, y)
    batch, time, _ = x.shape
    count: Any = y.shape[1]
    until = _counts(lengths, time, batch)
    symbols = _counts(label_lengths, count, batch)
    places = _between_blanks(y, blank)
    may_skip = gc.concat(
        [gc.full((batch, 2), False, "bool"), gc.logical_and(places[:, 2:] != blank, places[:, 2:] != places[:, :-2])],
        axis=1,
    )
    index = gc.broadcast_to(places[:, None, :], (batch, time, 2 * count + 1))
    emitted = gc.transpose(gc.take_along_axis(x, index, axis=2), (1, 0, 2))

    def step(before: Node, given: tuple[Node, Node]) -> tuple[Node, None]:
        emission, now = given
        ways = [before, _later(before, 1), gc.where(may_skip, _later(before, 2), -math.inf)]
        after = gc.logsumexp(gc.stack(ways), axis=0) + emission
        return gc.where((now < until)[:, None], after, before), None

    begin = gc.where(gc.iota(2 * count + 1) == 0, gc.zeros((), x.dtype), -math.inf)
    forward, _ = gc.scan(step, gc.broadcast_to(begin, (batch, 2 * count + 1)), (emitted, gc.iota(time)))
    likely = _ends(forward, symbols)
    if reduction == "mean":
        likely = likely / gc.maximum(symbols, 1).astype(x.dtype)
    return reduced(-likely, reduction)


def _between_blanks(labels: Node, blank: int) -> Node:
    """(batch, 2 count + 1): a blank before, between and behind the labels."""
    batch, count = labels.shape
    blanks = gc.full((batch, count), blank, labels.dtype)
    pairs = gc.stack([blanks, labels], axis=2).reshape((batch, 2 * count))
    return gc.concat([pairs, gc.full((batch, 1), blank, labels.dtype)], axis=1)


def _ends(forward: Node, symbols: Node) -> Node:
    """log of the probability of the paths that end in the last label, or in the blank behind it."""
    last = gc.take_along_axis(forward, (2 * symbols)[:, None], axis=1)[:, 0]
    before = gc.take_along_axis(forward, gc.maximum(2 * symbols - 1, 0)[:, None], axis=1)[:, 0]
    return gc.logsumexp(gc.stack([last, gc.where(symbols > 0, before, -math.inf)]), axis=0)


def _later(row: Node, distance: int) -> Node:
    """Logarithms moved to later places; what comes in has the probability 0."""
    nothing = gc.full((row.shape[0], distance), -math.inf, row.dtype)
    return gc.concat([nothing, row[:, :-distance]], axis=1)


def _counts(given: Any, whole: Any, batch: Any) -> Node:
    """How much of each row counts: all of it unless it is given."""
    counts = gc.extent(whole) if given is None else as_node(given)
    if not counts.dtype.is_integer:
        raise DTypeError(f"lengths are integers, not {counts.dtype.name}", details=[describe(counts)])
    return gc.broadcast_to(counts.astype("int64"), (batch,))


def _check(x: Node, labels: Node) -> None:
    if x.ndim != 3 or labels.ndim != 2 or x.shape[0] != labels.shape[0]:
        raise ShapeError(
            "log-probabilities are (batch, time, classes), labels (batch, count)",
            details=[describe(x), describe(labels)],
        )
    if not labels.dtype.is_integer:
        raise DTypeError(f"labels are integers, not {labels.dtype.name}", details=[describe(labels)])
