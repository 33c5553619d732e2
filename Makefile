# make demo    install into .venv and run the main job
# make test    everything that continuous integration runs
# make check   linter, formatter, types, layers
# make docs    write the generated pages of the reference, and the outputs of examples and of the notebook
# make fuzz    the heavy tests; with N=10000, so many random programs of each kind
# make bench   timings beside the peers that are installed
#
# PYTHON=python3.12 chooses the interpreter, VENV=path the environment.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MAKEFLAGS += --no-print-directory

EXPRESSION := log(x1) + x1*x2 - sin(x2)

.PHONY: help demo test check docs bench fuzz clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

demo: $(VENV)/.installed
	$(BIN)/wengert trace "$(EXPRESSION)" x1=2 x2=5 --mode forward
	$(BIN)/wengert trace "$(EXPRESSION)" x1=2 x2=5 --mode reverse
	$(BIN)/python examples/fit_thurber.py

test: check
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/architecture/test_layers.py

docs: $(VENV)/.installed-test
	$(BIN)/python docs/generate_coverage.py
	$(BIN)/python docs/generate_primitives.py
	$(BIN)/python docs/generate_seeds.py
	$(BIN)/python examples/notebooks/execute.py

fuzz: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(if $(N),-m fuzz --fuzz $(N),-m slow)

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp is older than pyproject.toml when the environment is out of date.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@ $(VENV)/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Wengert needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Choose another with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
