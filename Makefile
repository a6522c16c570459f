# Everything a newcomer or CI needs. `make` alone prints this help.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNS := $(VENV)/.installed-to-run
# Tests start hundreds of processes: each would compile all modules where nothing may be kept.
export PYTHONDONTWRITEBYTECODE :=

PIP := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off

.PHONY: help setup run dev check format lint types contracts test test-full chaos bench ci proto docs lock clean

help: ## Show what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# What was half made, such as by a Python without its venv package, is made again the next time.
.DELETE_ON_ERROR:

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Tidemill needs Python 3.11 or newer, and this is " + sys.version.split()[0] + \
		". Name another: make run PYTHON=python3.12")'
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing all that the development of Tidemill needs into $(VENV), once: some minutes …"
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps -e .
	@touch $(STAMP) $(RUNS)

# What the lock names besides, for tests and benchmarks, is most of what there is to install.
$(RUNS): pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing Tidemill and what it runs with into $(VENV), once: about a minute …"
	@$(PIP) -c requirements.lock -e '.[packages]'
	@touch $(RUNS)

setup: $(STAMP) ## Make the virtual environment with all that development needs

run: $(RUNS) ## Install what is missing and start Tidemill on http://127.0.0.1:3000; SERVER_PORT=… changes that
	@$(BIN)/tidemill up

dev: $(RUNS) ## Start Tidemill with debug logs and a data directory of its own
	@$(BIN)/tidemill up --data-dir data/dev --set log.level=debug

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only -q .

check: $(STAMP) ## Format, lint, types, import contracts, dependencies, architecture tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .
	$(BIN)/pytest tests/architecture -q -p no:randomly

test: $(STAMP) ## Run the tests of the normal tier (under 8 minutes on 2 cores); those of the architecture belong to check
	$(BIN)/pytest -n 3 --dist worksteal --ignore=tests/architecture

test-full: $(STAMP) ## Run every case on every adapter
	$(BIN)/pytest -n 4 --dist worksteal --tier full

chaos: $(STAMP) ## Kill processes at each crash point and at random instants, on both databases
	$(BIN)/pytest -n 2 --dist worksteal --tier chaos tests/chaos

bench: $(STAMP) ## Run the benchmarks side by side with their peers
	$(BIN)/python -m benchmarks

# With it, hypothesis tries the same examples each time: what passes once passes again.
ci: export CI := true
ci: check test ## What continuous integration runs

proto: $(STAMP) ## Write the code of the live protocol from proto/
	@mkdir -p build/proto
	@$(BIN)/python -m grpc_tools.protoc -I proto --python_out=build/proto --pyi_out=build/proto tidemill/v1/messages.proto
	@cp build/proto/tidemill/v1/messages_pb2.py* src/tidemill/events/wire/v1/

lock: $(STAMP) ## Pin the newest allowed versions in requirements.lock
	@$(BIN)/uv pip compile -q pyproject.toml --group dev --group bench --universal --python-version 3.11 \
		--upgrade --no-annotate --custom-compile-command "make lock" -o requirements.lock
	@$(BIN)/uv pip compile -q tests/fixtures/airflow.in --universal --python-version 3.11 \
		--upgrade --no-annotate --custom-compile-command "make lock" -o tests/fixtures/airflow.lock

docs: $(STAMP) ## Write what is made from the code: references and shipped configuration files
	@$(BIN)/python -m tidemill.api.documents

clean: ## Remove what the build made; data/ stays
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
