# Everything runs in .venv, which `make setup` fills; every other goal sets it up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
REPORTS ?=
LEXICON ?= fintech-zh
OUT ?= demo/out

.PHONY: setup demo test lint bench bench-quick gates peers chaos clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cipin needs Python 3.11 or newer; say which: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip -c constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable . --group dev
	touch $@

# REPORTS=folder takes your own reports, LEXICON=id-or-path your own lexicon.
demo: $(READY)
ifeq ($(REPORTS),)
	rm -rf demo
	$(BIN)/python bench/made_reports.py demo/reports
	$(BIN)/cipin run demo/reports -l $(LEXICON) -o $(OUT)
	@echo; echo "The panel: hits of each dimension, by bank and year (zero is a zero; a bank-year that could not be read has no row)"
	$(BIN)/cipin panel $(OUT) --level lexicon --format table | head -n 42
	@echo; echo "The evidence: 大数据, in its clauses"
	$(BIN)/cipin kwic 大数据 $(OUT) --limit 12
else
	$(BIN)/cipin run $(REPORTS) -l $(LEXICON) -o $(OUT)
	$(BIN)/cipin panel $(OUT) --format table | head -n 60
endif

test: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -n 2 tests/matching/test_specification.py tests/matching/test_scan.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(PEERS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group bench
	touch $@

peers: $(PEERS)

# Measures everything; python bench/report.py .benchmarks/bench.json writes it into bench/README.md.
MEASURE = $(BIN)/python -m pytest -q -o addopts="--strict-markers --strict-config" bench --benchmark-disable-gc
bench: $(PEERS)
	mkdir -p .benchmarks
	$(MEASURE) --benchmark-json .benchmarks/bench.json

# What CI can: engines give the same rows, and no gate is missed.
bench-quick: $(PEERS)
	$(BIN)/python -m pytest -q tests/bench
	$(MAKE) gates

gates: $(PEERS)
	$(MEASURE) --quick -rs

# What `make test` has no time for: real Ray clusters in which workers, nodes, drivers and parsers are killed, 10 times
# each; a store that fails, documents that take all memory; and the protocol's histories at length. An hour.
CHAOS = $(BIN)/python tests/cluster/chaos.py
chaos: $(READY)
	$(CHAOS) same 1 2 3
	for what in worker driver child raylet store hog; do $(CHAOS) $$what 10 || exit 1; done
	$(CHAOS) stall 5
	$(BIN)/python tests/cluster/jobs.py 3
	$(BIN)/python -m pytest -q --heavy tests/running tests/reading/test_hostile.py

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find engine cluster lexicons tests bench -name __pycache__ -prune -exec rm -rf {} +
