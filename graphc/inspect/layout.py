"""Where the boxes of a drawing go: a graph and the sizes of boxes come in, places and routes of edges go out.

The method of layers (Sugiyama, Tagawa and Toda, 1981): ranks from top to bottom, virtual boxes where an edge
passes a rank, an order in each rank with few crossings (barycentres), then horizontal places that keep the
order and come as near to their neighbours as boxes allow (isotonic regression, exact for each rank).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Box = Hashable
Point = tuple[float, float]
SWEEPS = 24


@dataclass(frozen=True)
class Layout:
    """Centres of boxes and, for each edge, the points that it passes; y grows downwards."""

    places: Mapping[Box, Point]
    routes: Mapping[tuple[Box, Box], list[Point]]
    width: float
    height: float


@dataclass(frozen=True)
class _Bend:
    """A virtual box: where the edge passes a rank."""

    edge: tuple[Box, Box]
    rank: int


def layered(graph: Any, sizes: Mapping[Box, Point], gap: Point = (0.3, 0.45)) -> Layout:
    """Places for a networkx.DiGraph without cycles; `sizes` are widths and heights, `gap` is kept free."""
    ranks = _ranks(graph)
    layers, above, below = _layers(graph, ranks)
    layers = _ordered(layers, above, below)
    widths: dict[Box, float] = {box: sizes[box][0] if box in sizes else 0.0 for layer in layers for box in layer}
    x = _horizontal(layers, above, below, widths, gap[0])
    tops, height = [], 0.0
    for layer in layers:
        tall = max((sizes[box][1] for box in layer if box in sizes), default=0.0)
        tops.append(height + tall / 2)
        height += tall + gap[1]
    left = min((x[box] - widths[box] / 2 for box in x), default=0.0)
    right = max((x[box] + widths[box] / 2 for box in x), default=0.0)
    places = {box: (x[box] - left, tops[rank]) for box, rank in ranks.items()}
    routes = {
        edge: [(x[_Bend(edge, rank)] - left, tops[rank]) for rank in range(ranks[edge[0]] + 1, ranks[edge[1]])]
        for edge in graph.edges()
    }
    return Layout(places, routes, right - left, max(height - gap[1], 0.0))


def _ranks(graph: Any) -> dict[Box, int]:
    """The rank of each box: below all it depends on, and near to its users where that shortens edges."""
    import networkx

    order = list(networkx.topological_sort(graph))
    ranks: dict[Box, int] = {}
    for box in order:
        ranks[box] = max((ranks[p] + 1 for p in graph.predecessors(box)), default=0)
    for box in reversed(order):
        if graph.out_degree(box) and graph.out_degree(box) >= graph.in_degree(box):
            ranks[box] = min(ranks[s] for s in graph.successors(box)) - 1
    return ranks


def _layers(graph: Any, ranks: Mapping[Box, int]) -> tuple[list[list[Box]], dict[Box, list[Box]], dict[Box, list[Box]]]:
    """The boxes and bends of each rank, and the neighbours of each in the ranks above and below."""
    layers: list[list[Box]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for box, rank in ranks.items():
        layers[rank].append(box)
    above: dict[Box, list[Box]] = {box: [] for box in ranks}
    below: dict[Box, list[Box]] = {box: [] for box in ranks}
    for edge in graph.edges():
        start, end = edge
        chain: list[Box] = [start]
        for rank in range(ranks[start] + 1, ranks[end]):
            bend = _Bend(edge, rank)
            layers[rank].append(bend)
            above[bend], below[bend] = [], []
            chain.append(bend)
        chain.append(end)
        for upper, lower in pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    return layers, above, below


def _ordered(
    layers: list[list[Box]], above: Mapping[Box, list[Box]], below: Mapping[Box, list[Box]]
) -> list[list[Box]]:
    """The best order seen while ranks are sorted by the mean place of neighbours, down and up in turns."""
    ports = {
        (upper, lower): (i + 1) / (len(readers) + 1)
        for lower, readers in above.items()
        for i, upper in enumerate(readers)
    }
    best, fewest = layers, _crossings(layers, below, ports)
    current = list(layers)
    for sweep in range(SWEEPS):
        if sweep % 2 == 0:
            for rank in range(1, len(layers)):
                place = {box: float(i) for i, box in enumerate(current[rank - 1])}
                current[rank] = _sorted(current[rank], {b: [place[n] for n in above[b]] for b in current[rank]})
        else:
            for rank in range(len(layers) - 2, -1, -1):
                place = {box: float(i) for i, box in enumerate(current[rank + 1])}
                near = {b: [place[n] + ports[b, n] for n in below[b]] for b in current[rank]}
                current[rank] = _sorted(current[rank], near)
        crossings = _crossings(current, below, ports)
        if crossings < fewest:
            best, fewest = list(current), crossings
    return best


def _sorted(layer: list[Box], near: Mapping[Box, list[float]]) -> list[Box]:
    """A rank by the mean places of its neighbours; a box without any keeps to the one before it."""
    means: dict[Box, float] = {}
    last = 0.0
    for box in layer:
        last = sum(near[box]) / len(near[box]) if near[box] else last
        means[box] = last
    return sorted(layer, key=means.__getitem__)


def _crossings(layers: list[list[Box]], below: Mapping[Box, list[Box]], ports: Mapping[tuple[Box, Box], float]) -> int:
    """How many pairs of edges between neighbouring ranks cross; an edge arrives at a port of its box."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {box: i for i, box in enumerate(lower)}
        seen: list[float] = []
        for box in upper:
            ends = sorted(place[n] + ports[box, n] for n in below[box])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _horizontal(
    layers: list[list[Box]],
    above: Mapping[Box, list[Box]],
    below: Mapping[Box, list[Box]],
    widths: Mapping[Box, float],
    gap: float,
) -> dict[Box, float]:
    x: dict[Box, float] = {}
    for layer in layers:
        edge = 0.0
        for box in layer:
            x[box] = edge + widths[box] / 2
            edge += widths[box] + gap
    for sweep in range(SWEEPS):
        # The last sweeps look both ways, so that a box ends between what it reads and what reads it.
        both = sweep >= SWEEPS // 2
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted, weights = [], []
            for box in layer:
                near = [*above[box], *below[box]] if both else above[box] if sweep % 2 == 0 else below[box]
                wanted.append(sum(x[n] for n in near) / len(near) if near else x[box])
                weights.append((8.0 if isinstance(box, _Bend) else 1.0) * max(len(near), 0.1))
            x.update(zip(layer, _separated(layer, wanted, weights, widths, gap), strict=True))
    return x


def _separated(
    layer: list[Box], wanted: list[float], weights: list[float], widths: Mapping[Box, float], gap: float
) -> list[float]:
    """The places nearest to the wanted ones (least squares) that keep order: pool adjacent violators."""
    offsets, offset = [], 0.0
    for i, box in enumerate(layer):
        offset += (widths[layer[i - 1]] + widths[box]) / 2 + gap if i else 0.0
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, count
    for want, weight, shift in zip(wanted, weights, offsets, strict=True):
        block = (want - shift, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, heavy, count = blocks.pop()
            total = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / total, total, count + block[2])
        blocks.append(block)
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(means, offsets, strict=True)]
