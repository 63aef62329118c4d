"""Einstein summation: a formula of subscripts and arrays go in, matrix products in a good order come out.

The order is the cheapest one for a few arrays. For more it is that of opt_einsum where it is installed (the extra
`einsum`), else greedy.
"""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_letters
from typing import Any

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, public
from graphc.ops import conversion
from graphc.ops.contraction import matmul
from graphc.ops.conversion import as_node, broadcast_to, cast, expand, promoted, reshape
from graphc.ops.diagonals import diagonal
from graphc.ops.elementwise import multiply
from graphc.ops.movement import transpose
from graphc.types import bool_

_FEW = 7
"""Up to so many arrays every order is compared."""
_TYPICAL = 100
"""How large a named dimension is taken to be where costs are compared."""


@dataclass(frozen=True)
class Factor:
    """An array whose axes have names, each once."""

    node: Node
    labels: str

    def size(self, label: str) -> Any:
        return self.node.shape[self.labels.index(label)]


@public
def einsum(subscripts: str, *operands: Any) -> Any:
    """Sums of products, as `numpy.einsum`: "ij,jk->ik" names the axes of operands, and those of the result.

    Without "->" the result has the names that occur once, in alphabetical order; "..." stands for leading axes that
    broadcast. Raises ShapeError for subscripts that do not fit the operands.
    """
    nodes = [as_node(x) for x in operands]
    terms, result = _parsed(subscripts, nodes)
    dtype = promoted(*(x.dtype for x in nodes))
    if dtype is bool_:
        raise DTypeError("the operands are bool", help="cast to an integer first")
    factors = _meeting([_without_repeats(cast(x, dtype), term) for x, term in zip(nodes, terms, strict=True)])
    for pair in _order(factors, result):
        chosen = [factors[i] for i in pair]
        factors = [factor for factor in factors if not any(factor is one for one in chosen)]
        wanted = set(result).union(*(factor.labels for factor in factors))
        factors.append(_summed(chosen[0], wanted) if len(chosen) == 1 else _product(chosen[0], chosen[1], wanted))
    return _arranged(_summed(factors[0], set(result)), result)


# --- subscripts ---


def _parsed(subscripts: Any, nodes: Sequence[Node]) -> tuple[list[str], str]:
    """The names of each operand's axes and of the result's, with letters in the place of dots."""
    if not isinstance(subscripts, str):
        raise ShapeError(f"{subscripts!r:.80} are no subscripts", help='text such as "ij,jk->ik"')
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(nodes):
        raise ShapeError(f"{len(terms)} terms for {len(nodes)} operands")
    leading = [x.ndim - len(term.replace("...", "")) for x, term in zip(nodes, terms, strict=True) if "..." in term]
    free = [letter for letter in ascii_letters if letter not in subscripts]
    dots = "".join(free[: max(leading, default=0)])
    for text in (*terms, right):
        if not set(text.replace("...", "", 1)) <= set(ascii_letters):
            raise ShapeError(f"{text!r} are no subscripts", help='letters, and "..." once')
    expanded = []
    for x, term in zip(nodes, terms, strict=True):
        names = len(term.replace("...", ""))
        if x.ndim < names or ("..." not in term and x.ndim != names):
            raise ShapeError(f"{term!r} names {names} axes of an operand with {x.ndim}")
        expanded.append(term.replace("...", dots[len(dots) - (x.ndim - names) :]))
    if arrow:
        result = right.replace("...", dots)
    else:
        counts = Counter("".join(expanded))
        result = dots + "".join(sorted(c for c in counts if counts[c] == 1 and c not in dots))
    if unknown := sorted(set(result) - set("".join(expanded))):
        raise ShapeError(f"the result has axes {', '.join(unknown)} that no operand has")
    if len(set(result)) < len(result):
        raise ShapeError(f"the result {right!r} names an axis twice")
    return expanded, result


def _without_repeats(x: Node, term: str) -> Factor:
    """A factor whose repeated names have become diagonals."""
    while len(set(term)) < len(term):
        label = next(c for c in term if term.count(c) > 1)
        first, second = (i for i, c in enumerate(term) if c == label and term[:i].count(c) < 2)
        if x.shape[first] != x.shape[second]:
            raise ShapeError(f"axis {label!r} has sizes {x.shape[first]} and {x.shape[second]}")
        x = diagonal(x, 0, first, second)
        term = "".join(c for i, c in enumerate(term) if i not in (first, second)) + label
    return Factor(x, term)


def _meeting(factors: Sequence[Factor]) -> list[Factor]:
    """Factors whose axes of one name have one size: those of size 1 are repeated."""
    sizes: dict[str, Any] = {}
    for factor in factors:
        for label, n in zip(factor.labels, factor.node.shape, strict=True):
            known = sizes.setdefault(label, n)
            if known == 1:
                sizes[label] = n
            elif n not in (1, known):
                raise ShapeError(f"axis {label!r} has sizes {known} and {n}")
    return [Factor(broadcast_to(f.node, tuple(sizes[c] for c in f.labels)), f.labels) for f in factors]


# --- the order ---


def _order(factors: Sequence[Factor], result: str) -> list[tuple[int, ...]]:
    """Which factors to multiply next, by their places; the product comes last."""
    if len(factors) < 3:
        return [tuple(range(len(factors)))]
    labels = [frozenset(factor.labels) for factor in factors]
    sizes = {c: _estimate(n) for f in factors for c, n in zip(f.labels, f.node.shape, strict=True)}
    if len(factors) <= _FEW:
        return _cheapest(labels, result, sizes)
    if importlib.util.find_spec("opt_einsum") is None:
        return _greedy(labels, result, sizes)
    import opt_einsum

    formula = ",".join(factor.labels for factor in factors) + "->" + result
    shapes = [tuple(map(_estimate, factor.node.shape)) for factor in factors]
    path, _ = opt_einsum.contract_path(formula, *shapes, shapes=True, optimize="auto")
    return [pair for step in path for pair in _in_pairs(tuple(sorted(step)))]


def _cheapest(labels: Sequence[frozenset[str]], result: str, sizes: dict[str, int]) -> list[tuple[int, ...]]:
    """The order with the fewest multiplications, found for every set of factors from those of its two parts."""
    every = (1 << len(labels)) - 1
    kept: dict[int, frozenset[str]] = {}
    best: dict[int, tuple[int, int]] = {}  # the cost of a set, and its first part
    for some in range(1, every + 1):
        inside = frozenset[str]().union(*(names for i, names in enumerate(labels) if some >> i & 1))
        others = set(result).union(*(names for i, names in enumerate(labels) if not some >> i & 1))
        kept[some] = inside & others if some & (some - 1) else inside
        part, candidates = (some - 1) & some, [(0, 0)] if not some & (some - 1) else []
        while part:
            rest = some ^ part
            if part < rest:  # each way to divide it once
                cost = math.prod(sizes[c] for c in kept[part] | kept[rest])
                candidates.append((best[part][0] + best[rest][0] + cost, part))
            part = (part - 1) & some
        best[some] = min(candidates)
    return _places(every, {some: part for some, (_, part) in best.items()}, len(labels))


def _places(every: int, part: dict[int, int], count: int) -> list[tuple[int, ...]]:
    """How sets are divided, as pairs of places."""
    products, stack = [], [every]
    while stack:
        some = stack.pop()
        if part[some]:
            products.append(some)
            stack += [part[some], some ^ part[some]]
    present, order = [1 << i for i in range(count)], list[tuple[int, ...]]()
    for some in reversed(products):
        pair = tuple(sorted((present.index(part[some]), present.index(some ^ part[some]))))
        present = [one for i, one in enumerate(present) if i not in pair] + [some]
        order.append(pair)
    return order


def _in_pairs(step: tuple[int, ...]) -> list[tuple[int, ...]]:
    """A product of several factors as products of two, from the last place on: these are the ones that stay put."""
    if len(step) < 3:
        return [step]
    return [step[-2:], *((place, -1) for place in reversed(step[:-2]))]


def _greedy(labels: Sequence[frozenset[str]], result: str, sizes: dict[str, int]) -> list[tuple[int, ...]]:
    """The pair whose product is smallest beside what it replaces comes next."""
    labels, order = list(labels), list[tuple[int, ...]]()
    while len(labels) > 1:
        growth = {pair: _growth(labels, pair, result, sizes) for pair in combinations(range(len(labels)), 2)}
        best = min(growth, key=lambda pair: growth[pair])
        order.append(best)
        labels = [*(names for i, names in enumerate(labels) if i not in best), _kept(labels, best, result)]
    return order


def _growth(labels: Sequence[frozenset[str]], pair: tuple[int, ...], result: str, sizes: dict[str, int]) -> int:
    """How many elements more the product of a pair has than both."""
    names = [_kept(labels, pair, result), *(labels[i] for i in pair)]
    product, *both = (math.prod(sizes[c] for c in some) for some in names)
    return product - sum(both)


def _kept(labels: Sequence[frozenset[str]], pair: tuple[int, ...], result: str) -> frozenset[str]:
    """The names that the product of a pair has: those that are wanted elsewhere."""
    others = set(result).union(*(names for i, names in enumerate(labels) if i not in pair))
    return (labels[pair[0]] | labels[pair[1]]) & others


def _estimate(size: int | Dim) -> int:
    return size if isinstance(size, int) else _TYPICAL


# --- products ---


def _summed(factor: Factor, wanted: set[str]) -> Factor:
    """A factor without the axes that nobody wants."""
    axes = tuple(i for i, c in enumerate(factor.labels) if c not in wanted)
    if not axes:
        return factor
    total = cast(conversion.sum(factor.node, axes), factor.node.dtype)
    return Factor(total, "".join(c for c in factor.labels if c in wanted))


def _arranged(factor: Factor, labels: str) -> Any:
    return transpose(factor.node, tuple(factor.labels.index(c) for c in labels))


def _product(x: Factor, y: Factor, wanted: set[str]) -> Factor:
    """The product of two factors, summed over what nobody wants."""
    x, y = _summed(x, wanted | set(y.labels)), _summed(y, wanted | set(x.labels))
    batch = "".join(c for c in x.labels if c in y.labels and c in wanted)
    inner = "".join(c for c in x.labels if c in y.labels and c not in wanted)
    rows = "".join(c for c in x.labels if c not in y.labels)
    columns = "".join(c for c in y.labels if c not in x.labels)
    labels = batch + rows + columns
    if not inner:
        return Factor(multiply(_spread(x, labels, y), _spread(y, labels, x)), labels)
    if not rows and not columns:
        return Factor(_rows_times_rows(x, y, batch + inner, len(batch)), labels)
    left = _grouped(x, batch, rows, inner)
    right = _grouped(y, batch, inner, columns)
    shape = tuple((x if c in x.labels else y).size(c) for c in labels)
    return Factor(reshape(matmul(left, right), shape), labels)


def _rows_times_rows(x: Factor, y: Factor, labels: str, kept: int) -> Node:
    """The sums of products over the axes from `kept` on, in one kernel; as wide as a matrix product has them."""
    dtype = x.node.dtype
    products = multiply(*(cast(_arranged(factor, labels), dtype.compute) for factor in (x, y)))
    return cast(conversion.sum(products, tuple(range(kept, len(labels)))), dtype)


def _spread(factor: Factor, labels: str, other: Factor) -> Any:
    """A factor with axes for all labels, repeated along those that only the other has."""
    own = "".join(c for c in labels if c in factor.labels)
    missing = [(i, other.size(c)) for i, c in enumerate(labels) if c not in factor.labels]
    return expand(_arranged(factor, own), tuple(i for i, _ in missing), tuple(n for _, n in missing))


def _grouped(factor: Factor, batch: str, rows: str, columns: str) -> Any:
    """A stack of matrices whose rows and columns are each several axes."""
    merged = (dimension.product(tuple(factor.size(c) for c in group)) for group in (rows, columns))
    return reshape(_arranged(factor, batch + rows + columns), (*(factor.size(c) for c in batch), *merged))
