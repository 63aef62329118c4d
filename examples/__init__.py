"""Models to learn from: each file runs by itself, and from an installed graphc as `graphc.examples`."""
