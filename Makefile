# Everything runs in .venv, made here on first use. `make demo` and `make test` need nothing else
# than Python 3.11 or newer; the browser tests also need Chromium and skip without it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Compiled modules are kept whatever the machine says: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check check-scripts docs dashboard screenshots update clean

demo: $(INSTALLED)
	rm -rf demo
	$(BIN)/curator demo demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(INSTALLED) check-scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser and not soak"

# By node, which the page itself does not need: without it this says so and goes on.
check-scripts:
	widgets/check_scripts.sh

dashboard: $(INSTALLED)
	$(BIN)/curator dashboard

docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

screenshots: $(INSTALLED)
	$(BIN)/python docs/screenshots.py

# The newest versions that pyproject.toml allows, tried in a fresh environment. Left out: build tags
# such as +cpu, as each kind of machine has its own build of torch, and what only the builds for a
# GPU bring along.
update:
	rm -rf build/update
	$(PYTHON) -m venv build/update
	build/update/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager '.[test]'
	build/update/bin/python -m pip list --format freeze --exclude pip --exclude image-curator \
	  > build/versions.txt
	{ echo "# Exact versions that make, the tests and CI install; \`make update\` writes this file."; \
	  sed -E -e 's/\+.*//' -e '/^(nvidia|cuda|triton)/d' build/versions.txt; } > constraints.txt
	rm -rf build/update build/versions.txt

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) demo widgets/node_modules
