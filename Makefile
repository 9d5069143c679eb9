PYTHON ?= python3
BIN := .venv/bin

.PHONY: help test test-long demo soak bench mutants audit pictures translations docs fix lock clean

help:
	@echo 'make demo   try the bot in a simulated Discord in the browser (no token, no key)'
	@echo 'make test   everything that must pass: ruff, mypy, pytest with coverage (ARGS="-k quota": some tests only)'
	@echo 'make test-long  what takes too long for that: further cases, the page in a browser, crashes, bursts (CI runs it as well)'
	@echo 'make soak   kill the bot again and again and count what became of each job (ARGS="--minutes 5")'
	@echo 'make bench  measure speed and cost beside others; table, JSON and picture in docs/bench (ARGS="answer idle")'
	@echo 'make mutants  change the code in small ways and count what the tests do not notice (ARGS="gmi polling")'
	@echo 'make audit  look for known faults in the dependencies, the code and the workflows (needs the internet)'
	@echo 'make pictures  take the pictures of the README anew (needs Chromium)'
	@echo 'make translations  collect the sentences for translators, and compile what they translated (ARGS=fr begins one)'
	@echo 'make docs   write docs/settings.md anew from .env.example'
	@echo 'make fix    format the code and repair what ruff can repair'
	@echo 'make lock   pin the dependencies of pyproject.toml anew, with hashes'

# -qq: nothing but errors, so that pip's notices don't hide what the reader of `make demo` is to read.
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes

# The stamp lies inside the environment, so that a deleted .venv is made again.
.venv/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo 'Installing what the bot needs into .venv. The first time, this takes about a minute ...'
	@$(PYTHON) -m venv .venv
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
	@echo 'Installed.'

.venv/bench-installed: .venv/installed requirements-bench.txt
	@echo 'Installing what the measurements need into .venv ...'
	@$(PIP_INSTALL) -r requirements-bench.txt
	@touch $@

.venv/mutants-installed: .venv/installed requirements-mutants.txt
	@echo 'Installing what changes the code into .venv ...'
	@$(PIP_INSTALL) -r requirements-mutants.txt
	@touch $@

.venv/audit-installed: .venv/installed requirements-audit.txt
	@echo 'Installing the audits into .venv ...'
	@$(PIP_INSTALL) -r requirements-audit.txt
	@touch $@

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest $(if $(ARGS),$(ARGS),-m 'not long' --cov --cov-report=term)

test-long: .venv/installed
	$(BIN)/pytest -m long $(ARGS)

demo: .venv/installed
	@$(BIN)/python -m demo $(ARGS)

soak: .venv/installed
	$(BIN)/python -m tests.process.soak $(ARGS)

bench: .venv/bench-installed
	$(BIN)/python -m bench $(ARGS)

mutants: .venv/mutants-installed
	nice -n 10 $(BIN)/python -m tests.mutants $(ARGS)

audit: .venv/audit-installed
	$(BIN)/zizmor --offline .github
	$(BIN)/bandit --quiet --severity-level medium --configfile pyproject.toml --recursive bot cogs
	$(BIN)/pip-audit --requirement requirements.txt --require-hashes --disable-pip --strict

pictures: .venv/installed
	$(BIN)/python -m demo.pictures $(ARGS)

translations: .venv/installed
	$(BIN)/python -m tests.translations $(ARGS)

docs: .venv/installed
	$(BIN)/python -m tests.settings_page

fix: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/installed
	$(BIN)/python -m pip install -qq --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command 'make lock' -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command 'make lock' -o requirements-dev.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --group bench --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command 'make lock' -o requirements-bench.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --group mutants --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command 'make lock' -o requirements-mutants.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --group audit --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command 'make lock' -o requirements-audit.txt

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage demo/output
