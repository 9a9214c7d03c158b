# Two commands: `make demo` shows the main job, `make test` proves it. Both set themselves up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
# What touches the database runs on both engines; pure rules run once.
BOTH := tests/use_cases tests/stories tests/service tests/api tests/web tests/chaos tests/test_house.py

unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo check test test-sqlite test-postgres test-browser prism soak bench clean

help:
	@echo "make demo     the main job, on http://127.0.0.1:8000 (no account anywhere)"
	@echo "make test     every test, on SQLite and on a real PostgreSQL, then in a browser"
	@echo "make check    lint, types, import contracts, migrations"
	@echo "make prism    our carrier against Prism serving Twilio's API description"
	@echo "make soak     the long runs (hours)"
	@echo "make bench    speed, as ratios"

setup: $(VENV)/.ready

$(VENV)/.ready: setup.cfg constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

demo: setup
	$(BIN)/vigilia demo --port $(or $(PORT),8000)

check: setup
	$(BIN)/flake8 service workflows notifications migrations tests bench wsgi.py
	$(BIN)/isort --check-only --quiet service workflows notifications migrations tests bench wsgi.py
	$(BIN)/mypy service workflows notifications bench
	$(BIN)/lint-imports
	rm -f $(VENV)/check.db
	VIGILIA_DATABASE_URL=sqlite:///$(VENV)/check.db $(BIN)/vigilia db upgrade
	VIGILIA_DATABASE_URL=sqlite:///$(VENV)/check.db $(BIN)/vigilia db check

test: test-sqlite test-postgres test-browser

test-sqlite: setup
	VIGILIA_TEST_DATABASE=sqlite $(PYTEST) -m 'not browser and not soak and not prism' tests

test-postgres: setup
	VIGILIA_TEST_DATABASE=postgres $(PYTEST) -m 'not browser and not soak' $(BOTH)

test-browser: setup
	$(BIN)/python -m tests.browser.chromium
	VIGILIA_TEST_DATABASE=sqlite $(BIN)/python -m pytest -m browser tests/browser

# A second Twilio that is not ours; needs npm and the shared API description.
prism: setup
	npm install --silent --no-audit --no-fund --prefix $(VENV)/prism @stoplight/prism-cli@5
	$(BIN)/python -m pytest -m prism -rs tests/notifications

# What the runs found is printed (-s). VIGILIA_TEST_DURABLE: the databases keep what they commit, as in production.
SOAK := VIGILIA_TEST_DURABLE=1 $(BIN)/python -m pytest -s --timeout 0 -m soak

soak: setup
	VIGILIA_TEST_DATABASE=sqlite $(SOAK) tests
	VIGILIA_TEST_DATABASE=postgres $(SOAK) tests/chaos tests/soak/test_load_soak.py tests/stories tests/service

bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m bench

clean:
	rm -rf build dist *.egg-info .mypy_cache .import_linter_cache .hypothesis
