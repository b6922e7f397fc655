# The whole developer interface; `make` lists it. Everything is installed into .venv when first needed.

PYTHON ?= python3
JOBS ?= 2
DEMO_BUDGET ?= 150s
DEMO_OUT ?= bench/demo

BIN := .venv/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
INSTALLED := .venv/.installed
READY := .venv/.ready
GENERATED := README.md docs/commands.md docs/components.md docs/mixing.md docs/write-a-plugin.md

.PHONY: help demo test lint fix docs bench
.DEFAULT_GOAL := help

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## train three text-to-image GANs on drawn shapes, some minutes each, and compare them
	$(BIN)/ganzoo bench gan-int-cls stackgan-pp attngan --data core/shapes --budget $(DEMO_BUDGET) --samples 256 --out $(DEMO_OUT)
	@echo "open $(DEMO_OUT)/report.html; trained models are in $(DEMO_OUT)/runs, to draw with:"
	@echo '  $(BIN)/ganzoo sample $(DEMO_OUT)/runs/attngan-shapes-seed-0 "a small red circle" --out circle.png'

test: $(READY)  ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(JOBS) --durations 10

lint: $(READY)  ## ruff, mypy, import-linter; are generated docs up to date?
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check -P -I docs $(GENERATED)

fix: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## write the generated parts of README.md and docs/ again
	$(BIN)/cog -r -P -I docs $(GENERATED)

bench: $(READY)  ## speed: loader, start-up, steps, metrics
	$(BIN)/pytest benchmarks -q -s

# -- setting up ----------------------------------------------------------------------------------------------------

$(INSTALLED): pyproject.toml $(PLUGINS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ganzoo needs Python 3.11 or newer; name one, as in: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	$(BIN)/python -m pip install --group dev --editable . $(PLUGINS:%=--editable %)
	touch $@

# Some plugins want packages without those packages' dependencies; registry.yaml says which, ganzoo installs them.
$(READY): $(INSTALLED) registry.yaml
	for plugin in $(notdir $(PLUGINS)); do $(BIN)/ganzoo install $$plugin || exit 1; done
	touch $@
