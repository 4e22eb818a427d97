# Everything here sets up what it needs and can be run twice. Needs Python 3.11 or newer, npm and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
MODELS := src/facekeep/models/manifest.json
PICTURES := .cache/pictures/.fetched
WEB := src/facekeep/interfaces/http/web/capture/index.html
WEB_INSTALLED := web/node_modules/.package-lock.json
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/.build/*')

# Tests start hundreds of processes, each of which would compile the package anew if it might not keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

# Tests on two cores, those of a file on one: they share what it sets up. In the order of their paths, which ends with
# the short files of tests/unit: a long one at the end would leave a core waiting for the other.
SIDES := --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Where make test keeps its stores: in memory if there is room, for they await the disk at every write, thousands of
# times. A process that is killed loses nothing of either; make test-all writes to the disk. TESTS= is the disk too.
TESTS ?= $(shell [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm | awk 'NR == 2 { print $$4 }')" -ge 4194304 ] && echo /dev/shm)

.PHONY: help setup models pictures web demo test test-all test-lfw check format bench docs lock wheel clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The lock is whole, so nothing is resolved: pip's resolver asks for the newest release of what is named with an extra,
# and fails as soon as there is a newer one than is locked.
$(INSTALLED): requirements/lock.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Facekeep needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --quiet
	touch $@

setup: $(INSTALLED)  ## A virtual environment with all that is pinned

models: $(INSTALLED)  ## Fetch, verify and convert the models
	$(BIN)/python tools/models/build.py

pictures: $(INSTALLED)  ## Fetch the real pictures that demo and tests use
	$(BIN)/python tools/pictures/fetch.py

# npm writes the file named here when it is done.
$(WEB_INSTALLED): web/package.json web/package-lock.json web/.npmrc
	cd web && npm ci --silent
	touch $@

$(WEB): $(WEB_INSTALLED) $(WEB_SOURCES)
	cd web && npm run --silent build
	touch $@

web: $(WEB)  ## The pages of captures, of the enrolled person, and of reviewers

demo: models pictures web  ## See it work on real faces, thief included
	$(BIN)/facekeep demo --pictures .cache/pictures

test: models pictures web  ## The tests, with the coverage that split/ and store/ must have
	$(if $(TESTS),TMPDIR=$(TESTS)) $(BIN)/python -m pytest -m 'not extended and not lfw' $(SIDES) \
		--cov --cov-report= $(PYTEST)
	$(BIN)/coverage report --fail-under=95 --skip-covered

test-all: models pictures web  ## The long tests too; some need FACEKEEP_DATA
	$(BIN)/python -m pytest -m 'not lfw' $(SIDES) $(PYTEST)

test-lfw: models  ## What needs Labeled Faces in the Wild: FACEKEEP_LFW=DIR
	$(BIN)/python -m pytest -m lfw $(PYTEST)

check: $(INSTALLED) $(WEB_INSTALLED)  ## Lint, types, layers, dependencies, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/mkdocs build --strict --quiet
	$(BIN)/python tools/check_tree.py
	cd web && npm run --silent check

format: $(INSTALLED)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: models pictures  ## Speed and memory beside plaintext search; takes some minutes
	$(BIN)/facekeep bench search --rows 1000000 --probes 1 --against faiss,usearch
	$(BIN)/facekeep bench search --rows 1000000 --probes 32 --against faiss,usearch
	$(BIN)/facekeep bench pipeline --pictures .cache/pictures
	$(BIN)/facekeep bench service --pictures .cache/pictures
	$(BIN)/facekeep bench ledger
	$(BIN)/facekeep bench reviews

docs: $(INSTALLED)  ## The documentation as pages in site/
	$(BIN)/mkdocs build --strict

lock: $(INSTALLED)  ## Pin the dependencies anew: hashes, no addresses
	$(BIN)/python tools/lock.py

wheel: models web  ## A wheel with models and page inside
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:  ## Remove what make made, but for the fetched packages
	rm -rf $(VENV) web/node_modules web/.build $(dir $(WEB)) $(dir $(WEB))../me $(dir $(WEB))../review build dist site .coverage .hypothesis .mypy_cache .ruff_cache
