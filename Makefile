# `make demo` and `make test` are all that a newcomer needs: each sets up .venv by itself.
# More arguments: make test ARGS="-k pip -x"

PYTHON := .venv/bin/python
SETUP := sh .ci/setup
# One thread of BLAS in each of the processes, which else wait for each other's.
PYTEST := OPENBLAS_NUM_THREADS=1 $(PYTHON) -m pytest -n logical --maxprocesses 4
ARGS :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-slow bench docs lint types format clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):  *## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

demo:  ## set up, then fit and compare some models of the zoo
	@$(SETUP)
	$(PYTHON) -m blrzoo demo $(ARGS)

test:  ## set up, then run the tests
	@$(SETUP) test
	$(PYTEST) --dist loadfile $(ARGS)

test-slow:  ## the tests that take long, and those of the samplers once more, compiled
	@$(SETUP) test
	$(PYTEST) --dist worksteal --compiled -m "slow or engine" $(ARGS)

bench:  ## timings
	@$(SETUP)
	$(PYTHON) -m benchmarks $(ARGS)

docs:  ## build the documentation into site/
	@$(SETUP) docs
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict $(ARGS)

lint:  ## ruff: rules and format
	@$(SETUP) dev
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check

types:  ## mypy
	@$(SETUP) dev
	$(PYTHON) -m mypy blrzoo

format:  ## correct what ruff can correct
	@$(SETUP) dev
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

clean:  ## remove .venv and everything built
	rm -rf .venv site dist demo-output .pytest_cache .ruff_cache .mypy_cache
