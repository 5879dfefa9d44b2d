# make demo | test | lint | bench | clean     everything happens inside .venv, which is made on first use
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench clean help
help:
	@echo "make demo   install, then run the whole chain on built-in data (minutes)"
	@echo "make test   install, then run the tests"
	@echo "make lint   install, then ruff and mypy"
	@echo "make bench  install, then measure this machine"
	@echo "make clean  remove .venv, caches and the demo's output"

$(STAMP): pyproject.toml constraints.txt
	@echo "==> creating $(VENV) and installing roadseg with its tested dependencies"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,ray]'
	@touch $@

demo: $(STAMP)
	@echo "==> roadseg demo --out demo"
	@$(BIN)/roadseg demo --out demo

test: $(STAMP)
	@echo "==> pytest"
	@$(BIN)/python -m pytest -q

lint: $(STAMP)
	@echo "==> ruff check, ruff format --check, mypy --strict"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP)
	@for script in benchmarks/*.py; do echo "==> $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
