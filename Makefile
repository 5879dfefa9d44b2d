# Every target works inside .venv, which is made on first use; `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PINNED := $(VENV)/.pinned
DEVELOPER := $(VENV)/.developer
# Those that need neither a video nor another program.
BENCHMARKS := confusion neighbours overlay streets training_step tta
# A file of tests goes to one process as a whole, which makes what they share once; tests/conftest.py orders files.
PYTEST := $(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# With cached bytecode, each process of the tests starts seconds sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test coverage check lint docs bench clean
help:
	@echo "make demo       install roadseg, then run the whole chain on built-in data (minutes)"
	@echo "make check      what to run before each commit: lint, then the fast tests (three minutes)"
	@echo "make test       all tests (twelve minutes on two cores)"
	@echo "make coverage   all tests, with the coverage of each file (longer)"
	@echo "make lint       ruff and mypy"
	@echo "make docs       build the documentation site into site/"
	@echo "make bench      measure this machine, without a video"
	@echo "make clean      delete .venv, caches and everything that these targets make"

# Of 20,000 modules a few thousand are ever imported: pip would compile all, for more than a minute.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

$(INSTALLED): PACKAGES := .
$(DEVELOPER): PACKAGES := .[app,dev,docs,lite,maps,onnx,openvino,ray,tensorboard,transformers]
$(INSTALLED) $(DEVELOPER): pyproject.toml constraints.txt
	@echo "==> installing $(PACKAGES) into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -c constraints.txt -e '$(PACKAGES)'
	@touch $@

# pip fetches and unpacks one package after the other, so two of them share what a developer needs.
$(DEVELOPER): $(PINNED)
$(PINNED): constraints.txt
	@echo "==> installing the packages of $< into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@grep -v '^#' $< | xargs -P 2 -n 20 $(PIP) --no-deps
	@touch $@

demo: $(INSTALLED)
	@echo "==> roadseg demo --out demo"
	@$(BIN)/roadseg demo --out demo

test: $(DEVELOPER)
	@echo "==> pytest"
	@$(PYTEST)

coverage: $(DEVELOPER)
	@echo "==> pytest --cov"
	@$(PYTEST) --cov

check: lint
	@echo "==> pytest, fast tests"
	@$(PYTEST) -m "not (slow or browser or parity or real_data)"

lint: $(DEVELOPER)
	@echo "==> ruff check, ruff format --check, mypy --strict"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

docs: $(DEVELOPER)
	@echo "==> mkdocs build --strict"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(DEVELOPER)
	@for name in $(BENCHMARKS); do echo "==> benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py || exit 1; done

clean:
	rm -rf $(VENV) demo site build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
