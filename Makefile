# Two commands for everybody: `make demo` and `make test`. `make check` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# The slowest files come first in the order of names: by their number of tests they would come last.
PYTEST := $(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder
SHELL := /bin/bash

# The checkers of trainers are no part of this repository: where they lie, and what runs them.
VALIDATORS ?= $(CURDIR)/../shared/validators
VENVS := $(CURDIR)/.validators
LIGHT := light together mistral
HEAVY := mlx tinker trl axolotl llamafactory swift verl
made = $(patsubst %,$(VENVS)/%/.made,$(1))

.PHONY: demo test check suite validate-formats format lint types layers clean

demo: $(STAMP)
	$(BIN)/headrace demo --out demo-out

test: $(STAMP)
	$(PYTEST) -m "not slow"

check: lint types layers suite

suite: $(STAMP) $(if $(wildcard $(VALIDATORS)),$(call made,$(LIGHT)))
	HEADRACE_VALIDATOR_VENVS=$(VENVS) $(PYTEST)

# Every format, held against its trainer's own checker in an environment of its own: 20 GB, an hour.
validate-formats: $(STAMP) $(call made,$(LIGHT) $(HEAVY))
	HEADRACE_VALIDATOR_VENVS=$(VENVS) HEADRACE_VALIDATORS=$(VALIDATORS) HEADRACE_VALIDATOR_STEPS=2 \
		$(BIN)/pytest -q -rs tests/integration/exporters/test_validators.py \
		tests/integration/exporters/test_tinker_loader.py

$(VENVS)/%/.made:
	HEADRACE_VALIDATOR_VENVS=$(VENVS) sh $(VALIDATORS)/venv.sh $*
	touch $@

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/pytest -q tests/test_layout.py
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# torch first and pinned: asked for by another package it comes with several GB of CUDA builds.
# Compiled on all cores, which pip does on one for half of its time; templates of code do not compile.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) pip torch
	$(INSTALL) --editable '.[all]' --group dev --group train
	$(BIN)/python -m compileall -qq -j 0 .venv/lib || true
	touch $(STAMP)

clean:
	rm -rf .venv .validators demo-out dist build
