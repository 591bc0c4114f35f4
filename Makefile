# Works on a fresh machine with make and Python >= 3.11. Everything is installed into .venv.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := pyproject.toml constraints.txt $(shell find src -name '*.py')
LINTED := src tests benchmarks docs tutorials workflow .github
# Workers of one thread each: on small matrices faster than one worker with many.
# The tests of a file stay with one worker, which makes what they share once.
PYTEST_ARGS ?= -n logical --maxprocesses 4 --dist loadfile
# Sources and tests are compiled once, not by every process, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo environment test test-slow test-matrix lint types docs tutorials paper dist workflow-test home clean

demo: $(VENV)/.app
	$(BIN)/scgce demo

# Everything that the other targets need, found and installed in one go.
environment: $(VENV)/.pip
	@$(MAKE) --no-print-directory --question $(VENV)/.test $(VENV)/.lint $(VENV)/.doc || { \
		echo "installing scgce and its groups test, lint and doc …"; \
		$(PIP) install -c constraints.txt --group test --group lint --group doc -e . && \
		touch $(VENV)/.test $(VENV)/.lint $(VENV)/.doc; }

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

# What takes many seconds a test: real data, whole workflows, repetitions that tell chance.
test-slow: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS) -m slow

# Every supported stack, each in an environment of its own; needs Python 3.11, 3.12 and 3.13. STACK=lowest for one.
test-matrix: $(VENV)/.pip
	$(PIP) install nox
	$(BIN)/nox $(if $(STACK),-s $(STACK))

lint: $(VENV)/.lint
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)

types: $(VENV)/.test $(VENV)/.lint
	$(BIN)/mypy

docs: $(VENV)/.doc
	$(BIN)/sphinx-build -W --keep-going docs docs/_build/html

tutorials: $(VENV)/.doc
	$(BIN)/python tutorials/run.py $(TUTORIALS)

# The paper's tables and the pictures of docs/paper.md; PAPER_ARGS=--quick for a short run into a scratch folder.
paper: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.paper $(PAPER_ARGS)

# Wheel and sdist in dist/, their metadata and README checked as PyPI does.
dist: $(VENV)/.pip
	$(PIP) install build twine
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

# The workflow on the small samples of .test, in a scratch copy.
workflow-test: $(VENV)/.test
	rm -rf build/workflow-test
	mkdir -p build && cp -r .test build/workflow-test
	cd build/workflow-test && PATH="$(abspath $(BIN)):$$PATH" snakemake --snakefile $(CURDIR)/workflow/Snakefile --cores 2

# Before the first public release: the address of the repository, everywhere. OWNER=account or organisation
home:
	$(PYTHON) .github/home.py $(OWNER)

clean:
	rm -rf $(VENV) build dist docs/_build docs/tutorials scgce-demo .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.pip:
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; run: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	@touch $@

# After `make test` the package is installed editable and follows the sources by itself.
$(VENV)/.app: $(VENV)/.pip $(SOURCES)
	@test -e $(VENV)/.test || { echo "installing scgce …"; $(PIP) install -c constraints.txt .; }
	@touch $@

$(VENV)/.test: $(VENV)/.pip pyproject.toml constraints.txt
	@echo "installing scgce and its test group …"
	$(PIP) install -c constraints.txt --group test -e .
	@touch $@

$(VENV)/.lint: $(VENV)/.pip pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt --group lint
	@touch $@

$(VENV)/.doc: $(VENV)/.test
	$(PIP) install -c constraints.txt --group doc
	@touch $@
