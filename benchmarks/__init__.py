"""The same work, side by side: graphc, NumPy, PyTorch, `torch.compile`, JAX and PyTensor.

    python -m benchmarks                         everything; writes RESULTS.md and results.json here
    python -m benchmarks --only softmax --quick  a look

`case.py` says what a benchmark is, `cases/` holds one file for each, `formulas.py` turns a formula into what
each library makes of it, `peers.py` knows the libraries, `worker.py` is the process in which one runs,
`rounds.py` lets them take turns, `report.py` writes the table.
"""
