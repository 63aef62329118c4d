"""Running compiled graphs: parameters, buffers, and the path of a call."""
