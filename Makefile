# Needs make and Python 3.11 or newer. Everything else is put into .venv/ by the first target that wants it.
# Another interpreter: make run PYTHON=/path/to/python3.12

PYTHON ?=
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt
# a file's tests stay on one worker: what they share is made once
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
BENCHMARKS := $(sort $(filter-out benchmarks/_%,$(wildcard benchmarks/*.py)))

# a slow connection is no reason to fail
export UV_HTTP_TIMEOUT ?= 180
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test test-all docs bench format lock clean
.DELETE_ON_ERROR:

help:
	@echo 'make run       the Khorasan study, from data to out/khorasan/report.html'
	@echo 'make test      style, types and the quick tests'
	@echo 'make test-all  all tests, also those that take minutes'
	@echo 'make docs      the documentation, with its examples run, in site/'
	@echo 'make bench     how fast and how large it is, measured'
	@echo 'make format    put the style right'
	@echo 'make lock      take the newest versions of all dependencies into constraints.txt'
	@echo 'make clean     remove caches, site/ and dist/; .venv/ and out/ stay'

run: .venv/.runtime
	$(BIN)/outbid run khorasan --out out/khorasan

test: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PYTEST) -m "not slow"

test-all: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PYTEST)

docs: .venv/.dev
	$(BIN)/python docs/build.py site
	@echo 'Open site/index.html'

bench: .venv/.dev
	@set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python $$script; done

format: .venv/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# one version of each package for all versions of Python, so that they all give the same numbers
lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --extra dev \
		--no-header --no-annotate --no-emit-index-url pyproject.toml --output-file constraints.txt

clean:
	rm -rf site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: pyproject.toml constraints.txt | $(BIN)/uv
	$(UV) -e .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | $(BIN)/uv
	$(UV) -e '.[dev]'
	@touch .venv/.runtime $@

# pip would take over a minute for the rest, uv takes seconds
$(BIN)/uv:
	@set -e; \
	new_enough() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	python='$(PYTHON)'; \
	if [ -n "$$python" ]; then \
		new_enough "$$python" || { echo "outbid needs Python 3.11 or newer, and PYTHON=$$python is not that." >&2; exit 1; }; \
	else \
		for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
			if new_enough "$$candidate"; then python=$$candidate; break; fi; \
		done; \
		[ -n "$$python" ] || { echo "outbid needs Python 3.11 or newer, and none was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	fi; \
	echo "Making .venv with $$("$$python" --version)"; \
	clear=; $(BIN)/python -c '' 2>/dev/null || clear=--clear; \
	"$$python" -m venv $$clear .venv || { echo "On Debian and Ubuntu the package python3-venv is needed." >&2; exit 1; }; \
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
