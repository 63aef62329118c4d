"""What searches found, kept between processes: a region and an effort go in, what was found comes out.

The key is the text of the formula, the intervals of its operands, the effort, and what the search itself consists of.
A file that cannot be read counts as absent, a folder that cannot be written costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from graphc.cache_directory import cache_directory, keep
from graphc.errors import GraphcError
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.parser import parse_graph
from graphc.search.checking import Found
from graphc.search.extraction import Cost
from graphc.search.improve import Effort, Extend, improve
from graphc.search.regions import Region


def remembered(region: Region, effort: Effort, cost: Cost, extend: Extend) -> Found | None:
    """What a search finds for a region; it is made once for a formula, its ranges and an effort."""
    path = cache_directory() / "accuracy" / _key(region, effort)
    try:
        return _read(path, region)
    except (OSError, ValueError, KeyError, TypeError, GraphcError):
        found = improve(region, effort, cost, extend)
        _write(path, region, found)
        return found


def _key(region: Region, effort: Effort) -> str:
    parts = [_version(), str(_graph(region, region.formula, region.known)), *map(repr, region.intervals), repr(effort)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _version() -> str:
    """What the search consists of: its own files."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _graph(region: Region, *formulas: Node) -> Graph:
    return Graph("formula", region.variables, formulas)


def _read(path: Path, region: Region) -> Found | None:
    kept = json.loads(path.read_text())
    if kept["formula"] is None:
        return None
    graph = parse_graph(kept["formula"])
    if [node.type for node in graph.inputs] != [node.type for node in region.variables]:
        raise ValueError("another region")
    return Found(graph.outputs[0], float(kept["before"]), float(kept["after"]))


def _write(path: Path, region: Region, found: Found | None) -> None:
    kept = {"formula": None if found is None else str(_graph(region, found.formula))}
    kept |= {} if found is None else {"before": repr(found.before), "after": repr(found.after)}
    keep(path, json.dumps(kept).encode())
