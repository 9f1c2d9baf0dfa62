# Two commands matter: `make demo` and `make test`. Neither needs more than Python >= 3.11 and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help setup demo dev test lint format bench pictures generate lock clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Install everything into .venv, from locked hashes
	@scripts/bootstrap

demo: setup ## The whole system from one spec, with music you can hear in a browser
	@$(BIN)/segue demo

dev: setup ## The same from examples/01-laptop.yaml, with a table of pods
	@$(BIN)/segue dev -f examples/01-laptop.yaml

test: setup ## Lint, drift and every test suite; prints the minutes each took
	@$(BIN)/python scripts/suites.py

lint: setup ## ruff, mypy strict and the import contracts
	@$(BIN)/python scripts/suites.py lint

format: setup ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only .

bench: setup ## Every benchmark, with its distribution
	@$(BIN)/segue bench commands
	@$(BIN)/segue bench router
	@$(BIN)/segue bench soak --minutes 10
	@$(BIN)/segue bench router-failover

pictures: setup ## The pictures of the demo page in docs/images, from a running cluster
	@SEGUE_CHROMIUM=$$(scripts/chromium) SEGUE_SCREENSHOTS=docs/images $(BIN)/python -m pytest -q tests/browser/test_pictures.py

generate: setup ## Protobuf code and CRDs, from their sources
	@$(BIN)/python scripts/generate.py

lock: setup ## Resolve again and write requirements/
	@scripts/lock --upgrade

clean: ## Remove what was installed and built here
	rm -rf .venv build dist .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis devkit/peers/node_modules
