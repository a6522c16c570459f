# Everything a newcomer or CI needs. `make` alone prints this help.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup run dev check format lint types contracts test test-full chaos bench ci proto docs lock clean

help: ## Show what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $(STAMP)

setup: $(STAMP) ## Make the virtual environment with all that development needs

run: $(STAMP) ## Install what is missing and start Tidemill on http://127.0.0.1:3000
	@$(BIN)/tidemill up

dev: $(STAMP) ## Start Tidemill with debug logs and a data directory of its own
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

test: $(STAMP) ## Run the tests of the normal tier
	$(BIN)/pytest -n 2 --dist worksteal

test-full: $(STAMP) ## Run every case on every adapter
	$(BIN)/pytest -n 2 --dist worksteal --tier full

chaos: $(STAMP) ## Kill processes at each crash point and at random instants, on both databases
	$(BIN)/pytest -n 2 --dist worksteal --tier chaos tests/chaos

bench: $(STAMP) ## Run the benchmarks side by side with their peers
	$(BIN)/python -m benchmarks

ci: check test ## What continuous integration runs

proto: $(STAMP) ## Write the code of the live protocol from proto/
	@mkdir -p build/proto
	@$(BIN)/python -m grpc_tools.protoc -I proto --python_out=build/proto --pyi_out=build/proto tidemill/v1/messages.proto
	@cp build/proto/tidemill/v1/messages_pb2.py* src/tidemill/events/wire/v1/

lock: $(STAMP) ## Pin the newest allowed versions in requirements.lock
	@$(BIN)/uv pip compile -q pyproject.toml --group dev --group bench --universal --python-version 3.11 \
		--upgrade --no-annotate --custom-compile-command "make lock" -o requirements.lock

docs: $(STAMP) ## Write what is made from the code: references and shipped configuration files
	@$(BIN)/python -m tidemill.api.documents

clean: ## Remove what the build made; data/ stays
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
