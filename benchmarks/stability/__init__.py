"""Textbook formulas where they overflow, underflow or cancel, and formulas whose IEEE answer must stay as it is.

    python -m benchmarks.stability                        everything; writes RESULTS.md and results.json here
    python -m benchmarks.stability --systems graphc,jax   a part, which is printed and written nowhere

`case.py` says what a case and a probe are, `cases/` holds them by family, `words.py` is the vocabulary in which
formulas are written once for all systems, `exact.py` knows the exact values, `systems.py` the compilers, `worker.py`
is the process in which one of them runs, `judge.py` tells right from wrong, `report.py` writes the tables.
"""
