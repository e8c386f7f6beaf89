# Two commands do everything, each in its own .venv: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 4
BIN := $(VENV)/bin

# What this tree is held against by bench-compare.
REF ?= HEAD

.PHONY: help demo test test-full faults soak bench bench-compare test-blissdata lint types imports unit clean

help:
	@echo "make demo       run the whole thing once: Redis, Tango device, beamline, client (about 15 s)"
	@echo "make test       lint, types, import contract and tests (about 10 minutes on 2 cores)"
	@echo "make test-full  the same with the long form of the heavy suites"
	@echo "make faults     kills, freezes, full disks, lost connections, each many times, and a table (hours)"
	@echo "make bench      the speeds, each beside a limit of the machine, and a table (about 6 minutes)"
	@echo "make bench-compare REF=commit   CPU per point of this tree and of another commit, in turns"
	@echo "make soak       a beamline at full rate for 5 minutes, whose writer is killed twice"
	@echo "make test-blissdata  what we publish, read by real blissdata 0.3 clients"
	@echo "make lint | types | imports | unit    one part of make test"
	@echo "make unit WORKERS=0    the tests one after the other; WORKERS are 4 without it, for most tests wait"
	@echo "make clean      remove .venv, caches and demo_data"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "nexus-writer needs Python 3.11 or newer: run 'make PYTHON=/path/to/python3.11 ...'" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "This Python has no venv module: install it (Debian: apt-get install python3-venv) and try again" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.all: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

demo: $(VENV)/.all
	$(BIN)/nexus-writer demo

test: lint types imports unit

test-full: lint types imports $(VENV)/.test
	$(BIN)/python -m pytest --full

faults: $(VENV)/.test
	$(BIN)/python -m pytest tests/faults --full --timeout 900

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

bench-compare: $(VENV)/.test
	$(BIN)/python -m benchmarks.compare $(REF)

soak: $(VENV)/.test
	$(BIN)/python -m pytest tests/integration/test_soak.py --full --capture no

$(VENV)-blissdata/.done: tests/data_room/blissdata-requirements.txt | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)-blissdata
	$(VENV)-blissdata/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

test-blissdata: $(VENV)/.test $(VENV)-blissdata/.done
	$(BIN)/python -m pytest -m blissdata

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

imports: $(VENV)/.test
	$(BIN)/lint-imports

# A test that fails while others keep the processors busy is run once more, alone: then its failure counts.
unit: $(VENV)/.test
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal || { status=$$?; \
	  [ $$status -eq 1 ] || exit $$status; \
	  echo "==== what failed above, once more, one test after the other ===="; \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

clean:
	rm -rf $(VENV) $(VENV)-blissdata demo_data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
