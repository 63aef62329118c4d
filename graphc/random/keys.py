"""Keys: a seed comes in, and from one key as many others as are wanted. Nodes of type uint32[2], 64 random bits.

A key says everything about a draw, so two draws with one key are the same numbers, or depend on each other. Keys that
are made from one by `split` and `fold_in` are counters under that key, as the draws are (J. Salmon et al., 2011), but
in spaces of counters of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as gc
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node
from graphc.ops.philox import philox
from graphc.types import as_size

DRAW, SPLIT, FOLD_IN = range(3)
"""The last word of the counter: what it is for."""


@public
def key(seed: Any) -> Node:
    """The key of a seed: an integer of Python, whose lowest 64 bits count, or a node that holds an integer.

    Raises DTypeError for what is no integer, ShapeError for an array.
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        return gc.constant(np.array([int(seed) & 0xFFFFFFFF, (int(seed) >> 32) & 0xFFFFFFFF], np.uint32))
    number = _integer("a seed", seed)
    return gc.stack([gc.cast(word, gc.uint32) for word in (number & 0xFFFFFFFF, number >> 32)])


@public
def split(key: Any, count: Any = 2) -> Node:
    """`count` new keys, uint32[count, 2]: the rows are keys. The i-th does not depend on their number."""
    size = as_size(count)
    number = gc.iota(size, "uint64")
    return gc.stack(_derived(as_key(key), _words(number), SPLIT), axis=1)


@public
def fold_in(key: Any, data: Any) -> Node:
    """A new key from a key and an integer, such as the number of a step: a Python number or a node without axes."""
    return gc.stack(_derived(as_key(key), _words(_integer("what is folded in", data)), FOLD_IN))


def as_key(value: Any) -> Node:
    """A key as a node. Raises DTypeError or ShapeError for something else."""
    help = "graphc.random.key(seed) makes a key; a row of graphc.random.split(key, n) is one"
    if not isinstance(value, Node | np.ndarray):
        raise DTypeError(f"no key: {value!r:.80}", help=help)
    node = as_node(value)
    if node.dtype is not gc.uint32:
        raise DTypeError(f"a key is uint32, not {node.dtype.name}", help=help)
    if node.shape != (2,):
        raise ShapeError(f"a key has the shape (2,), not ({', '.join(map(str, node.shape))})", help=help)
    return node


def block_word(key: Node, counter: tuple[Node, Node], attempt: Any, purpose: int, word: int) -> Node:
    """A word of the block at a counter of 64 bits, given as two words; there is a block for each attempt."""
    low, high = counter
    attempts = gc.cast(as_node(attempt), "uint64")
    return philox(low, high, attempts, purpose, gc.cast(key[0], "uint64"), gc.cast(key[1], "uint64"), word=word)


def _derived(key: Node, counter: tuple[Node, Node], purpose: int) -> list[Node]:
    return [block_word(key, counter, 0, purpose, word) for word in range(2)]


def _integer(what: str, value: Any) -> Node:
    if isinstance(value, int) and not isinstance(value, bool):
        return gc.constant(np.uint64(value & 0xFFFFFFFFFFFFFFFF))
    node = as_node(value)
    if not node.dtype.is_integer:
        raise DTypeError(f"{what} is an integer, not {node.dtype.name}", help="cast it")
    if node.ndim:
        raise ShapeError(f"{what} has no axes", help="use graphc.random.split for several keys")
    return gc.cast(node, "uint64")


def _words(number: Node) -> tuple[Node, Node]:
    """The low and the high half of 64 bits. Philox itself takes the low ones of what it is given."""
    return number, number >> 32
