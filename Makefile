# Ringwall. The three that a newcomer needs: `make run`, `make test`, `make check`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install run test test-deep check docs bench lock clean

install: $(STAMP)  ## create .venv and install, once

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

run: install  ## start everything on embedded defaults, print a curl line that works, keep serving
	$(BIN)/ringwall up

test: install  ## every test that needs no service, in parallel
	$(BIN)/python -m pytest -n auto -m "not deep" -q

test-deep: install  ## long properties, faults and fuzzing, at a seeded fraction
	$(BIN)/python -m pytest -n auto -m deep -q

check: install  ## format, lint, types, import contracts, docs in step
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .import_linter_cache
	$(BIN)/python -m pytest -q tests/test_house.py tests/test_docs.py

docs: install  ## write the generated pages of docs/reference
	$(BIN)/python -m ringwall.cli.docs docs/reference

bench: install  ## CPU per request next to nginx; prints a table, writes benchmarks/out/
	$(BIN)/python benchmarks/bench.py

lock:  ## renew requirements/*.txt from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --all-extras --group dev pyproject.toml -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  pyproject.toml -o requirements/core.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
