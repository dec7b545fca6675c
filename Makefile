# `make` alone prints the targets. Every target sets up what it needs and is quick when nothing
# has changed.

MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := help

LAB := .venv/bin/lab

# The stamps carry the locks' content, so that a new lock installs and an old one does not.
checksum = $(shell cat $(1) 2>/dev/null | cksum | cut -d' ' -f1)
RUNNER := .venv/.runner-$(call checksum,pyproject.toml requirements.txt)
DEV := .venv/.dev-$(call checksum,pyproject.toml requirements-dev.txt)

## Live it

.PHONY: scenario-%
scenario-3am: $(RUNNER) ## Three in the morning: set up all that is missing, and be on call
	@$(LAB) run 3am
scenario-%: $(RUNNER)
	@$(LAB) run $*

.PHONY: room up down status restore reset doctor
room: $(RUNNER) ## Open the control room, a local web page for the night
	@$(LAB) room
up: $(RUNNER) ## Bring the stack up and prove that it is healthy
	@$(LAB) up
down: $(RUNNER) ## Take the stack down; its data stays
	@$(LAB) down
reset: $(RUNNER) ## Give back the pristine database, caches and photos, in seconds
	@$(LAB) reset
status: $(RUNNER) ## Say how the stack and the open incident are
	@$(LAB) status
restore: $(RUNNER) ## Bring the stack home from whatever state it is in
	@$(LAB) restore
doctor: $(RUNNER) ## Say what this machine has, lacks, and how to get it
	@$(LAB) doctor

## Work on it

.PHONY: test unit lint check verify format generate pictures bench lock clean
test: lint ## Every test: lint and types, units, services in containers, the live incident
	@.venv/bin/pytest
unit: $(DEV) ## The tests that need no Docker
	@.venv/bin/pytest tests/unit
lint: $(DEV) ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
check: $(RUNNER) ## Read every scenario and say what is wrong with it, in a moment
	@$(LAB) check
verify: $(RUNNER) ## Prove every scenario: a live night each, and the page docs/proof.md
	@$(LAB) verify --markdown docs/proof.md
format: $(DEV) ## Format the Python files
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .
generate: $(DEV) ## Write the recording rules and the dashboards from the catalogue of signals
	@.venv/bin/python -m lab.rules
	@.venv/bin/python -m tools.dashboards
pictures: $(DEV) ## Live a night in the control room, and take the pictures of docs/pictures
	@LAB_PICTURES=docs/pictures .venv/bin/pytest tests/live/test_room_live.py
bench: $(RUNNER) ## Measure speed and size; prints a table and writes JSON
	@$(LAB) bench
lock: ## Resolve pyproject.toml and the images' requirements into hash-locked ones again (needs uv)
	@tools/lock
clean: ## Remove the virtual environment and caches (not .lab, which holds your incidents)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

.venv/.runner-%:
	@tools/venv requirements.txt
	@rm -f .venv/.runner-* && touch $@
.venv/.dev-%:
	@tools/venv requirements-dev.txt
	@rm -f .venv/.dev-* && touch $@ $(RUNNER)

.PHONY: help
help:
	@printf '3AM Lab\n'
	@awk '/^## / { printf "\n%s\n", substr($$0, 4) } \
	     /^[a-z0-9-]+:.*## / { split($$0, part, ":.*## "); printf "  make %-14s %s\n", part[1], part[2] }' \
	     $(firstword $(MAKEFILE_LIST))
	@printf '\nThe command is $(LAB); `$(LAB) --help` tells the rest.\n'
