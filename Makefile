# Every target sets up what it needs: git, make and Python 3.11 or newer with venv are enough.
#   PYTHON=/path/to/python3   the Python to make .venv with (default: the first usable of 3.13, 3.12, 3.11, ...)
#   LINK=iridium-dialup       the emulated link of the demonstration
#   COUNT=10000               how many seeded worlds a soak plays
#   ROWS="case-a bulk"        only these rows of the bench
#   FUZZ_S=600 TARGET=entry   how long to fuzz, all targets together, and which (default: 60 s, all of them)

LINK ?= certus-100
FUZZ_S ?= 60
TARGET ?= all
COUNT ?= 10000
export PYTHON

BIN := .venv/bin
RUNTIME := .venv/runtime.stamp
DEV := .venv/dev.stamp
FUZZ := .venv/fuzz.stamp
# The size the time limits of the suite are set for; more workers than cores only blur its timings.
WORKERS := -n auto --maxprocesses 2

# pip writes into one .venv: two targets must not set it up at once, even under make -j.
.NOTPARALLEL:
.PHONY: help demo test check test-peers fuzz soak bench bench-full lock clean

help: ## show this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1@\2/p' Makefile | while IFS=@ read -r target what; do \
		printf '  %-12s %s\n' "$$target" "$$what"; done

demo: $(RUNTIME) ## one consult over an emulated satellite link, start to end (LINK=certus-100)
	@$(BIN)/sfsim demo --link $(LINK)

test: $(DEV) ## the test suite
	@$(BIN)/pytest $(WORKERS)

check: $(DEV) ## lint, format, types and the rules of who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test-peers: $(DEV) ## the tests that need root, network namespaces or other programs; says what it could not run
	@$(BIN)/pytest -m peers -rs || { status=$$?; [ $$status -eq 5 ] || exit $$status; \
		echo "No test is marked peers: nothing to run here."; }

fuzz: $(FUZZ) ## feed mutated bytes to every decoder, led by coverage (FUZZ_S=60 TARGET=all)
	@$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_S) --target "$(TARGET)"

soak: $(DEV) ## play thousands of seeded worlds, each checked against every law (COUNT=10000)
	@$(BIN)/sfsim soak --count $(COUNT)

bench: $(DEV) ## measure beside the bound and beside peers, print tables and write build/bench.json (ROWS=case-a)
	@$(BIN)/sfsim bench $(addprefix --rows ,$(ROWS)) --out build/bench.json

bench-full: $(DEV) ## the same with every row and seed, also those that take many minutes
	@$(BIN)/sfsim bench --full $(addprefix --rows ,$(ROWS)) --out build/bench.json

lock: $(DEV) ## make the lock files anew from pyproject.toml, keeping pins that still fit (UPGRADE=1: newest)
	@sh .ci/lock $(if $(UPGRADE),--upgrade)

clean: ## remove what was built or cached, but not .venv
	@rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml .ci/environment
	@sh .ci/environment runtime

$(DEV): requirements-dev.lock pyproject.toml .ci/environment
	@sh .ci/environment dev

$(FUZZ): requirements-fuzz.lock $(DEV)
	@sh .ci/environment fuzz
