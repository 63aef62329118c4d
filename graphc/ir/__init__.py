"""The tensor graph: nodes, ops, graphs, their text form, verification and rewriting."""
