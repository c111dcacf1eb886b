# Everything runs in .venv, made here on first use. `make demo` and `make test` need nothing else
# than Python 3.11 or newer; the browser tests also need Chromium and skip without it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check dashboard screenshots clean

demo: $(INSTALLED)
	rm -rf demo
	$(BIN)/curator demo demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not browser"

dashboard: $(INSTALLED)
	$(BIN)/curator dashboard

screenshots: $(INSTALLED)
	$(BIN)/python docs/screenshots.py

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) demo
