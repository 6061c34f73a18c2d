# Two commands: `make run` and `make test`. The rest: `make help`.
SHELL := /bin/bash
PYTHON := .venv/bin/python
UV := $(shell command -v uv)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
HOST ?= 127.0.0.1
PORT ?= 5000
WORKERS ?= 2
export HOST PORT
export PYTHONDONTWRITEBYTECODE = 1

# What Debian brings: libraries that WeasyPrint draws with, then what the tests need.
APT_RUN := python3 python3-venv ca-certificates libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core
APT_TEST := postgresql-15 chromium libatomic1 clamav-daemon nginx-light logrotate strace testssl.sh
APT_BENCH := wrk
install_packages = missing="$$(for package in $(1); do dpkg-query -Wf '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done)"; \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null; then \
		$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
install_python = $(if $(UV),uv pip install -q --python $(PYTHON) -r $(1),$(PYTHON) -m pip install -q --disable-pip-version-check -r $(1))

.DEFAULT_GOAL := help
.PHONY: audit lock sbom scorecard help run test check fix bench pictures install install-tests install-bench static

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: export DEMO ?= 1
run: install static ## Install what is missing, make the demonstration data, start the portal and its worker
	@bash deploy/run.sh

test: install-tests static ## Install what is missing, and run every test (SQLite, PostgreSQL, browser)
	@$(PYTHON) -m pytest $(ARGS)

check: install-tests ## Format, lint, types, templates, security, migrations
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy portal/rules portal/exchange portal/vault.py portal/formats.py
	.venv/bin/djlint portal --lint --quiet
	.venv/bin/bandit -q -r app.py portal -c pyproject.toml
	@instance=$$(mktemp -d); INSTANCE=$$instance DEMO=1 .venv/bin/flask --app app db upgrade && \
		INSTANCE=$$instance DEMO=1 .venv/bin/flask --app app db check; status=$$?; rm -rf $$instance; exit $$status

fix: install-tests ## Format, and mend what can be mended without thinking
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: install-bench static ## Measure the portal beside its floors (ARGS="--size 1000 --databases sqlite --only pages")
	@$(PYTHON) -m bench $(ARGS)

pictures: install-tests static ## Take the pictures of the guide from the running portal
	@$(PYTHON) docs/pictures.py

lock: install-tests ## Write requirements.lock again, with a hash of each file: what a real portal installs
	.venv/bin/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-annotate \
		--custom-compile-command "make lock" requirements.txt -o requirements.lock

sbom: install-tests ## Write build/sbom.json (CycloneDX): what the portal is made of
	@mkdir -p build
	.venv/bin/cyclonedx-py requirements requirements.lock --output-reproducible --of JSON -o build/sbom.json

# Another base than OSV's own: a mirror, on a machine that reaches nothing else.
OSV ?= https://api.osv.dev/v1/query
audit: install-tests ## Ask a base of advisories (OSV=address) of each package that a real portal installs
	@.venv/bin/pip-audit --requirement requirements.lock --disable-pip --require-hashes --strict \
		--vulnerability-service osv --osv-url $(OSV) --progress-spinner off $(ARGS)

install: .venv/.run
install-tests: .venv/.tests
install-bench: .venv/.bench

.venv/.run: requirements.txt
	@$(call install_packages,$(APT_RUN))
	@[ -x $(PYTHON) ] || python3 -m venv .venv
	@$(call install_python,requirements.txt)
	@touch $@

.venv/.tests: .venv/.run requirements-dev.txt
	@$(call install_packages,$(APT_TEST))
	@$(call install_python,requirements-dev.txt)
	@touch $@

.venv/.bench: .venv/.tests
	@$(call install_packages,$(APT_BENCH))
	@touch $@

# Compressed once, served as they are.
static: .venv/.static
.venv/.static: $(shell find static -type f ! -name '*.gz' ! -name '*.br') | .venv/.run
	@$(PYTHON) -m whitenoise.compress -q static webp png
	@touch $@

scorecard: install-tests static ## Run the tests of each requirement of security, and write docs/scorecard.md (REPORTS=suite.xml)
	@$(PYTHON) -m tests.scorecard $(REPORTS)
