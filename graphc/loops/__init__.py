"""Loops and branches over closed inner graphs: how users define them, the ops, and their derivatives."""

from graphc.loops.define import cond, fori_loop, map, scan, switch, while_loop

__all__ = ["cond", "fori_loop", "map", "scan", "switch", "while_loop"]
