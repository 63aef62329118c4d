# Everything here works on a fresh machine with Python 3.11 or newer: each target makes its environment first.
#
#   make demo    train on real data, show what the compiler did
#   make test    ruff, mypy, layers, tests: what continuous integration runs
#   make lint    the first three of these
#   make evidence  measure the rewrite rules that have changed (RULES="name …": those), and write docs/rules
#   make bench   side by side with NumPy, PyTorch, JAX and PyTensor (downloads some gigabytes)
#   make stability  naive formulas, as graphc, NumPy, PyTorch, JAX and PyTensor compute them (downloads the same)
#   make clean   remove the environments
#
# PYTHON=python3.12 make test   chooses the interpreter
# BENCH="--only softmax" make bench   passes options on

# A name on the path is no promise (pyenv leaves shims that fail), so each candidate is asked.
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c "$(SUITS)" >/dev/null 2>&1 && { echo $$name; break; }; done)

VENV := .venv
BENCH_VENV := .venv-bench
PIP := -m pip --disable-pip-version-check install --quiet

.PHONY: demo test lint evidence bench stability clean

demo: $(VENV)/examples.stamp
	$(VENV)/bin/graphc demo

# All checks run even when one fails, so that one run tells everything. Each core has a worker, so BLAS gets one.
test: $(VENV)/dev.stamp
	@failed=; \
	$(MAKE) --no-print-directory lint || failed="$$failed lint"; \
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto || failed="$$failed pytest"; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

lint: $(VENV)/dev.stamp
	@failed=; \
	for check in "ruff check" mypy lint-imports; do \
		echo "$$check"; $(VENV)/bin/$$check || failed="$$failed $$check;"; done; \
	if [ -n "$$failed" ]; then echo "failed: $$failed" >&2; exit 1; fi

evidence: $(VENV)/dev.stamp
	$(VENV)/bin/python -m tests.passes.evidence $(RULES)
	$(VENV)/bin/python -m tests.passes.rule_pages

bench: $(BENCH_VENV)/bench.stamp
	$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

stability: $(BENCH_VENV)/bench.stamp
	$(BENCH_VENV)/bin/python -m benchmarks.stability $(BENCH)

clean:
	rm -rf $(VENV) $(BENCH_VENV)

$(VENV)/examples.stamp: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python $(PIP) --editable '.[examples]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python $(PIP) --editable '.[dev,examples,cuda]'
	@touch $@ $(VENV)/examples.stamp

$(BENCH_VENV)/bench.stamp: $(BENCH_VENV)/bin/python pyproject.toml
	$(BENCH_VENV)/bin/python $(PIP) --editable '.[bench]'
	@touch $@

%/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "graphc needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv)" >&2; \
		exit 1; fi
	$(PYTHON) -m venv $*
