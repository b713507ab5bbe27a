# Everything a person or CI does with this repository. `make` alone lists the targets.
# Needs a Python 3.11, 3.12 or 3.13; uv is used where it is there. Other one: make install PYTHON=/path/to/python3.12

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# the first Python of a version that works; a pyenv shim without a version behind it does not answer
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3 python; do \
  if $$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then command -v $$p; break; fi; done)
UV ?= $(shell command -v uv 2>/dev/null)
# how many tests run side by side: one per core, at most four (each worker starts its own PostgreSQL)
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)
PYTEST := PYTHONPATH=src $(BIN)/python -m pytest

.PHONY: help install develop demo demo-down test lint test-crash test-oracle lock compose-secrets models reference screenshots bench clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Make .venv with what the product needs, by its lock file with hashes; nothing when it is up to date

develop: $(VENV)/.developed ## The same with what testing needs

$(VENV)/.python:
	@[ -n "$(PYTHON)" ] || { echo "perlinsos: no Python 3.11 to 3.13 was found. Install one, or name it: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@if [ ! -x $(BIN)/python ]; then \
	  if [ -n "$(UV)" ]; then "$(UV)" venv --quiet --python "$(PYTHON)" $(VENV); else "$(PYTHON)" -m venv $(VENV); fi; fi
	@$(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "perlinsos: .venv has a Python that is not 3.11 to 3.13; remove it with: make clean" >&2; exit 1; }
	@touch $@

# $(1): the lock file. Bytecode is compiled now: else every start of Airflow compiles it again where writing it is off.
define install_locked
	@if [ -n "$(UV)" ]; then \
	  "$(UV)" pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r $(1) && \
	  "$(UV)" pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null; } && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
endef

$(VENV)/.installed: $(VENV)/.python requirements.txt pyproject.toml
	$(call install_locked,requirements.txt)
	@touch $@

$(VENV)/.developed: $(VENV)/.python requirements-dev.txt pyproject.toml
	$(call install_locked,requirements-dev.txt)
	@touch $(VENV)/.installed $@

demo: install ## The main job on real services with invented people; make demo-down stops them
	$(BIN)/perlinsos demo

demo-down: ## Stop what the demo started
	$(BIN)/perlinsos down

test: lint ## Lint and types, then every test but those that kill processes: side by side, then those in Airflow
	$(PYTEST) -m "not crash and not airflow" -n $(JOBS) --dist worksteal
	$(PYTEST) -m "airflow and not crash" -n 0

lint: develop ## ruff, mypy strict, sqlfluff
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m sqlfluff lint --disable-progress-bar --dialect duckdb $(wildcard sql/staging sql/core sql/recipients sql/reports)
	$(BIN)/python -m sqlfluff lint --disable-progress-bar --dialect postgres sql/schema

test-crash: develop ## The tests that kill real processes at every step, one after the other
	$(PYTEST) -m crash -n 0

test-oracle: develop ## 2,000 random populations: the engine and the independent referee say the same of every row (two hours)
	PERLINSOS_ORACLE_POPULATIONS=2000 $(PYTEST) tests/properties/test_oracle_agrees.py tests/properties/test_oracle_agrees_on_persons.py -n $(JOBS)

lock: ## Write the lock files from requirements*.in (needs uv and a network)
	@[ -n "$(UV)" ] || { echo "perlinsos: make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	"$(UV)" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	"$(UV)" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements.txt requirements-dev.in -o requirements-dev.txt
	"$(UV)" pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header -c requirements.txt requirements-compose.in -o requirements-compose.txt

compose-secrets: install ## Make the secret files of docker-compose.yml, once
	$(BIN)/python -m perlinsos.operations.services.compose secrets .perlinsos-compose

reference: develop ## Write docs/reference/ from the code and the files that the product reads
	PYTHONPATH=src $(BIN)/python docs/write_reference.py

models: develop ## Write docs/models.md: what the models are, in their order, with rows
	PYTHONPATH=src $(BIN)/python docs/write_models.py

screenshots: develop ## Write docs/images/ from the running demo (needs make demo, and Chromium)
	PYTHONPATH=src:tests $(BIN)/python docs/write_screenshots.py

bench: develop ## What the determination costs here beside a script of its own, written to bench/out
	$(BIN)/python bench/run.py

clean: ## Remove .venv and caches; .perlinsos, which holds data, stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find src tests dags plugins -name __pycache__ -type d -prune -exec rm -rf {} +
