# The words a newcomer, a developer and CI share.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
# One at a time: `make demo` goes on installing while its site is looked at.
INSTALL = $(if $(shell command -v flock),flock $(VENV)/.lock) $(BIN)/pip install --quiet --no-compile \
  --disable-pip-version-check --no-warn-conflicts --constraint constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
HOST ?= 127.0.0.1
PORT ?= 8000
TEST_POSTGRES ?= postgres://$(shell id -un)@127.0.0.1/postgres
TEST_REDIS ?= redis://127.0.0.1:6379/9
export PYTHONUNBUFFERED = 1
unexport PYTHONDONTWRITEBYTECODE # hundreds of processes are started: each would compile all anew
export HOST
export PORT

.PHONY: help demo serve test js check services services-embedded services-grown-up browser lint bench lock clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready-analysis: requirements-analysis.txt requirements-web.txt requirements-sky.txt constraints.txt
	@echo "Making the environment (a minute or two, once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sightline needs Python 3.11 or later.")'
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements-analysis.txt
	@touch $@

$(VENV)/.ready-speech: $(VENV)/.ready-analysis requirements-speech.txt requirements-meaning.txt requirements-reading.txt requirements-voices.txt
	@echo "Adding what recognising speech and reading need (half a minute, once) …"
	@$(INSTALL) -r requirements-speech.txt
	@$(INSTALL) --no-deps -r requirements-meaning.txt -r requirements-reading.txt -r requirements-voices.txt
	@touch $@

$(VENV)/.ready: $(VENV)/.ready-speech requirements.txt
	@echo "Adding what training needs (torch is large: a few minutes, once) …"
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.ready-analysis ## Analyse the demo clip and serve the site (HOST, PORT)
	@SIGHTLINE_DATA=$${SIGHTLINE_DATA:-var/demo} $(BIN)/python manage.py demo

serve: $(VENV)/.ready ## Serve the site with your own data (HOST, PORT, SIGHTLINE_DATA)
	@$(BIN)/python manage.py serve

test: $(VENV)/.ready-dev ## Run the tests that need nothing but Python
	$(BIN)/python -m pytest $(AGAIN) -n 2 --dist worksteal -m "not services and not browser and not gpu"

js: ## Run the tests of the JavaScript, which need Node and nothing else
	node --test tests/js/*.test.js

services: services-embedded services-grown-up ## Run the tests with real workers: embedded, then PostgreSQL and Redis

services-embedded: $(VENV)/.ready-dev
	SIGHTLINE_TEST_DATABASE=$(CURDIR)/var/services.sqlite3 $(BIN)/python -m pytest $(AGAIN) tests/services

services-grown-up: $(VENV)/.ready-dev
	DATABASE_URL=$(TEST_POSTGRES) BROKER_URL=$(TEST_REDIS) $(BIN)/python -m pytest $(AGAIN) tests/services

browser: $(VENV)/.ready-dev ## Run the tests that drive Chromium
	$(BIN)/python -m pytest $(AGAIN) tests/browser

lint: $(VENV)/.ready-dev ## Check style, types, import arrows and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy analysis workers webapp
	$(BIN)/lint-imports
	$(BIN)/oxlint static/js tests/js
	$(BIN)/python manage.py makemigrations --check --dry-run

# What fails on a busy machine is run once more, and told at the end: to be mended all the same.
check: export AGAIN = --reruns 1 --reruns-delay 1 --rerun-show-tracebacks -rfE --durations 12 --durations-min 10
check: $(VENV)/.ready-dev ## All that CI runs
	$(MAKE) --jobs 3 lint js test  # types are checked on one core
	$(MAKE) --jobs 3 services-embedded services-grown-up browser  # they mostly wait

bench: $(VENV)/.ready-dev ## Measure against the peers (BENCH="name …" for some, QUICK=1)
	@for name in $(or $(BENCH),backup bad_media coherence contention cross_modal demo_film end_to_end error_bars exposure_truth first_detector human_effort human_effort_boxes labelling long_files look_again moments new_brands picture_encodings pseudo_labels reading reference retrieval_scale review search sky sky_100mp sky_motion sky_network speakers speech storing synthesis timeline training vocabulary whisper_checkpoint); do \
	  $(BIN)/python -m bench.$$name $(if $(QUICK),--quick) || failed="$$failed $$name"; \
	done; test -z "$$failed" || { echo "below the bar:$$failed"; exit 1; }

lock: ## Renew constraints.txt: the newest versions that requirements*.txt allow, to be tested next
	rm -rf var/lock && $(PYTHON) -m venv var/lock
	var/lock/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	var/lock/bin/pip install --quiet --disable-pip-version-check --no-deps -r requirements-meaning.txt -r requirements-reading.txt -r requirements-voices.txt
	{ sed -n '/^#/p' constraints.txt; var/lock/bin/pip freeze --exclude certifi | grep '^[^ ]*==[^+]*$$'; } > var/lock/new
	mv var/lock/new constraints.txt && rm -rf var/lock

clean: ## Remove the environment and caches, not your data
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache bench/cache
