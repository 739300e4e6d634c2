# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DISTRIBUTIONS := index service clients/python clients/threatexchange
PORT   ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-all faults container-trial check format bench run openapi audit-kinds page lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

setup: $(READY) ## Make .venv with the locked requirements and the three packages

# Python compiles a module when it is first imported: compiling all of them takes pip a minute.
# The lock is complete, so nothing is resolved: pip would look for the newest release of a requirement
# that is named with an extra, and refuse it, because the lock has no hash for it.
PIP := --quiet --disable-pip-version-check --no-compile

$(READY): requirements.lock $(DISTRIBUTIONS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV) (once; two minutes or so) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP) --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install $(PIP) --no-deps --no-build-isolation $(DISTRIBUTIONS:%=-e ./%)
	@$(BIN)/python -m unseen_index
	@touch $@

demo: $(READY) ## Walk the whole story on real photos, against a real service
	@$(BIN)/python -m demo

# Three at a time: tests wait as often as they compute. A worker that is done takes others' tests.
PYTEST := -m pytest -n 3 --dist worksteal

test: $(READY) ## Run every test but the slow proofs; ARGS are pytest's, as in all of these
	@$(BIN)/python $(PYTEST) -m "not slow" $(ARGS)

test-fast: $(READY) ## Run the tests that start no service, browser or process, in under a minute
	@$(BIN)/python $(PYTEST) -m "not slow and not process" $(ARGS)

test-all: $(READY) ## Run every test, the slow proofs too, and print the packages' coverage
	@$(BIN)/python $(PYTEST) $(DISTRIBUTIONS:%=--cov=%) --cov-report=term:skip-covered $(ARGS)

# Root can run more of these: networks and file systems of their own.
FAULTS := tests/flow tests/service/test_migrations_interrupted.py tests/service/test_saved_index.py

faults: $(READY) ## Run the fault-injection tests (ARGS=--chaos-seconds=60 for longer ones)
	@$(BIN)/python $(PYTEST) -rP -m slow $(FAULTS) --ignore tests/flow/test_containers.py $(ARGS)

container-trial: $(READY) ## Build the image with podman and try it alone and in compose (as root)
	@tools/container_trial.sh

check: $(READY) ## Lint, types, import-layer rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.terms

format: $(READY) ## Put the code in the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Run the benchmarks, or one: make bench NAME=search ARGS='--rows 1M'
	@$(BIN)/python -m benchmarks $(NAME) $(ARGS)

run: $(READY) ## Serve on http://127.0.0.1:8000 (PORT=8001: another), data kept in ./data
	@$(BIN)/unseen-service serve --port $(PORT) --data data

openapi: $(READY) ## Write openapi.yaml from the app, and add to the published names
	@$(BIN)/python -m tools.openapi > openapi.yaml.new  # so that a failure leaves the old one
	@mv openapi.yaml.new openapi.yaml
	@$(BIN)/python -m tools.published_api

page: $(READY) ## Assemble the pages from clients/browser and clients/staff
	@$(BIN)/python -m clients.browser.assemble
	@$(BIN)/python -m clients.staff.assemble

audit-kinds: $(READY) ## Write the lists of audit kinds in docs/audit.md and the staff page
	@$(BIN)/python -m tools.audit_kinds

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package unseen-index --quiet

lock: ## Resolve the locks again (needs uv; UPGRADE=--upgrade takes newer versions)
	@$(LOCK) $(UPGRADE) $(DISTRIBUTIONS:%=%/pyproject.toml) --group build --group check \
	  --group test --group demo -o requirements.lock
	@$(LOCK) --constraint requirements.lock index/pyproject.toml service/pyproject.toml \
	  --group build -o requirements-service.lock
	@$(LOCK) --constraint requirements-service.lock deploy/gpu.in -o requirements-gpu.lock

clean: ## Remove what the other targets made, except ./data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache
