# The commands of this project; each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-engines lint services services-engines soak bench pins clean

# The first Python that is new enough.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
BIN := .venv/bin

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/.complete: requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found: install one, or run: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.complete  ## make .venv, with .venv/bin/activity-stream in it

run: setup  ## collect from a live feed, serve the API, print what to try; Ctrl-C stops it
	@exec $(BIN)/activity-stream demo

test: setup services  ## the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-engines: setup services services-engines  ## what tests do with an engine, on all four
	TEST_ENGINES=all $(BIN)/python -m pytest tests/contract tests/services tests/unit/adapters/index_opensearch

lint: setup  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

services: setup  ## fetch what some tests need besides Python: npm packages, Redis, OpenSearch 3 (what can be had)
	@$(BIN)/python -m tests.services npm redis opensearch-3

services-engines: setup  ## fetch all four engines: OpenSearch 3, 2 and 1, Elasticsearch 7
	@$(BIN)/python -m tests.services opensearch-3 opensearch-2 opensearch-1 elasticsearch-7

soak: setup  ## the random, leak and kill tests, at length
	SOAK=1 $(BIN)/python -m pytest -m soak --timeout 3600
	LEAK_BODIES=20000 $(BIN)/python -m pytest tests/contract/test_leaks.py --timeout 7200

bench: setup  ## the benchmarks (see benchmarks/README.md)
	$(BIN)/python -m benchmarks

pins: setup  ## pin the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --extra aws --extra sentry -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --extra aws --extra client --extra requests --extra sentry --extra dev -o requirements-dev.txt

clean:  ## remove what the other commands made, the demo's data included
	rm -rf .venv .services .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache activity-stream-data src/*.egg-info build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
