"""Where a formula fails, in words: `x > 88.7`, `max(x) < -104`.

Comes in: points, and which of them the formula gets wrong; goes out: a range of the variables, or of a simple
function of them, which the failures fill and others hardly touch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from tests.passes.hard_points import Array

MOST_PIECES = 3
GAP = 0.05
GOOD = 0.75
FEW = 5


def region(points: Mapping[str, Array], failed: Array) -> str:
    """The range in which points fail; "here and there" if no simple one describes it, "" if hardly any point fails."""
    if failed.sum() < FEW:
        return ""
    best, text = 0.0, "here and there"
    for name, values in _features(points):
        usable = np.isfinite(values)
        found = _pieces(values[usable], failed[usable])
        inside = np.zeros(len(values), bool)
        for low, high in found:
            inside |= (values >= low) & (values <= high)
        score = 2 * (inside & failed).sum() / (inside.sum() + failed.sum())
        if score > best + 0.02:
            best, text = score, _described(name, found, values[usable])
    if best < GOOD:
        return "here and there"
    return text


def _features(points: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Simple functions of the variables, the simplest first."""
    with np.errstate(all="ignore"):
        floats = {name: value.astype(np.float64) for name, value in points.items() if value.dtype.kind not in "biu"}
        for name, value in floats.items():
            if value.ndim == 1:
                yield f"|{name}|", np.abs(value)
                yield name, value
                continue
            rows = value.reshape(len(value), -1)
            yield f"max({name})", rows.max(axis=1)
            yield f"min({name})", rows.min(axis=1)
            yield f"max(|{name}|)", np.abs(rows).max(axis=1)
            yield f"max({name}) - min({name})", rows.max(axis=1) - rows.min(axis=1)
        singles = [(name, value) for name, value in floats.items() if value.ndim == 1]
        for i, (name, value) in enumerate(singles):
            for other, second in singles[i + 1 :]:
                yield f"max({name}, {other})", np.maximum(value, second)
                yield f"min({name}, {other})", np.minimum(value, second)
                yield f"max(|{name}|, |{other}|)", np.maximum(np.abs(value), np.abs(second))
                yield f"|{other} / {name}|", np.abs(second / value)
                yield f"|{name} - {other}| / |{name}|", np.abs((value - second) / value)
                yield f"{name} - {other}", value - second
                yield f"{name} + {other}", value + second


def _pieces(values: Array, failed: Array) -> list[tuple[float, float]]:
    """Ranges in which most points fail: cut where runs of failures begin and end, by a smoothed count."""
    order = np.argsort(values, kind="stable")
    values, failed = values[order], failed[order]
    width = max(5, len(values) // 400) | 1
    share = np.convolve(failed, np.ones(width) / width, mode="same") > 0.5
    starts = np.nonzero(share & ~np.concatenate([[False], share[:-1]]))[0]
    ends = np.nonzero(share & ~np.concatenate([share[1:], [False]]))[0]
    runs: list[tuple[int, int]] = []
    for start, end in zip(starts, ends, strict=True):
        if runs and start - runs[-1][1] < GAP * (end - runs[-1][0]):
            runs[-1] = (runs[-1][0], end)
        elif failed[start : end + 1].any():
            runs.append((start, end))
    enough = MOST_PIECES * 0.01 * failed.sum()
    runs = [run for run in runs if failed[run[0] : run[1] + 1].sum() > enough]
    runs = sorted(sorted(runs, key=lambda run: -failed[run[0] : run[1] + 1].sum())[:MOST_PIECES])
    found = []
    for start, end in runs:
        inside = np.nonzero(failed[start : end + 1])[0] + start
        found.append((float(values[inside[0]]), float(values[inside[-1]])))
    return found


def _described(name: str, pieces: list[tuple[float, float]], values: Array) -> str:
    low, high = float(values.min()), float(values.max())
    near = 0.5 * high if high > 0 else high, 0.5 * low if low < 0 else max(low, 4 * float(np.min(np.abs(values)) or 0))
    words = []
    for start, end in pieces:
        open_above, open_below = end >= near[0], start <= near[1] or start == low
        if open_above and open_below:
            return "almost everywhere"
        middle = _between(_short(start), name, _short(end))
        words.append(f"{name} > {_short(start)}" if open_above else f"{name} < {_short(end)}" if open_below else middle)
    return " or ".join(dict.fromkeys(words))


def _between(start: str, name: str, end: str) -> str:
    if start == end:
        return f"{name} = 0" if end == "0" else f"{name} near {end}"
    return f"{start} < {name} < {end}"


def _short(x: float) -> str:
    return "0" if x == 0 or not math.isfinite(x) else f"{x:.3g}"
