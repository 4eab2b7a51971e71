# A newcomer needs only `make demo` and `make test`; each sets up .venv.
# Further arguments: make test ARGS="-k pip -x"

PYTHON := .venv/bin/python
SETUP := sh .ci/setup
# One BLAS thread per process: more would compete with the other processes.
PYTEST := OPENBLAS_NUM_THREADS=1 $(PYTHON) -m pytest -n logical --maxprocesses 4
ARGS :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-slow calibration bench docs lint types format clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):  *## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

demo:  ## set up, then fit and compare two models
	@$(SETUP)
	$(PYTHON) -m blrzoo demo $(ARGS)

test:  ## set up, then run the tests
	@$(SETUP) test
	$(PYTEST) --dist loadfile $(ARGS)

test-slow:  ## run the slow tests, and those of the samplers again, compiled
	@$(SETUP) test
	$(PYTEST) --dist worksteal --compiled -m "slow or engine" $(ARGS)

calibration:  ## rank true values among draws, for every prior, and write docs/calibration.md
	@$(SETUP) test
	OPENBLAS_NUM_THREADS=1 $(PYTHON) -m tests.calibration --write $(ARGS)

bench:  ## run the benchmarks
	@$(SETUP)
	$(PYTHON) -m benchmarks $(ARGS)

docs:  ## build the documentation into site/
	@$(SETUP) docs
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict $(ARGS)

lint:  ## check rules and format with ruff
	@$(SETUP) dev
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check

types:  ## check types with mypy
	@$(SETUP) dev
	$(PYTHON) -m mypy blrzoo

format:  ## apply the fixes and the format of ruff
	@$(SETUP) dev
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

clean:  ## remove .venv and all build products
	rm -rf .venv site dist demo-output .pytest_cache .ruff_cache .mypy_cache
