"""Which columns of a sparse matrix can be computed together, because no row has two of them.

Comes in: a pattern, a bool array that is true wherever the matrix may not be 0; goes out: a color for each column.
The sum of the columns of one color then shows each of their elements alone.
Sources: Curtis, Powell & Reid, On the estimation of sparse Jacobian matrices, 1974; for symmetric matrices
Gebremedhin, Manne & Pothen, What color is your Jacobian?, SIAM Review 47, 2005, section 4 and algorithm 4.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def column_colors(pattern: Array) -> Array:
    """Colors such that two columns of one color have no row in common; crowded columns choose first."""
    counts = pattern.astype(np.float32)
    meets = counts.T @ counts > 0
    colors = np.full(pattern.shape[1], -1)
    for column in _crowded_first(meets):
        colors[column] = _smallest_free(colors[meets[column]])
    return colors


def star_colors(pattern: Array) -> Array:
    """Colors for a symmetric pattern, of which every element of the matrix shows alone in its row or in its column.

    Neighbors differ, and no path of four vertices has two colors only.
    """
    neighbors = pattern & ~np.eye(len(pattern), dtype=bool)
    lists = [np.flatnonzero(row) for row in neighbors]
    colors = np.full(len(pattern), -1)
    for vertex in _crowded_first(neighbors):
        forbidden = [colors[lists[vertex]]]
        for near in lists[vertex]:
            far = lists[near][(lists[near] != vertex) & (colors[lists[near]] >= 0)]
            if colors[near] >= 0:
                far = [x for x in far if np.any(colors[lists[x][lists[x] != near]] == colors[near])]
            forbidden.append(colors[np.asarray(far, dtype=int)])
        colors[vertex] = _smallest_free(np.concatenate(forbidden))
    return colors


def count_of(colors: Array) -> int:
    """The number of colors."""
    return int(colors.max(initial=-1)) + 1


def places_in_columns(pattern: Array, colors: Array) -> Array:
    """For each element of a matrix its place among the summed columns, row by row."""
    rows = np.arange(pattern.shape[0])[:, None]
    return rows * count_of(colors) + colors[None, :]


def places_in_stars(pattern: Array, colors: Array) -> Array:
    """The same for a symmetric matrix: an element that is not alone in its row is so in its column."""
    of_color = pattern.astype(np.float32) @ (colors[:, None] == np.arange(count_of(colors))).astype(np.float32)
    alone = of_color[:, colors] == 1
    direct = places_in_columns(pattern, colors)
    return np.where(alone, direct, direct.T)


def _crowded_first(meets: Array) -> Array:
    return np.argsort(-meets.sum(axis=1), kind="stable")


def _smallest_free(taken: Array) -> int:
    """The smallest color that is not taken; -1 stands for none."""
    used = np.zeros(len(taken) + 1, dtype=bool)
    used[taken[(taken >= 0) & (taken <= len(taken))]] = True
    return int(np.argmin(used))
