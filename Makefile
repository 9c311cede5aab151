# Every target does its own set-up into .venv, with nothing but python3.11 and make on the machine.
PYTHON ?= python3.11
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_OUT ?= demo-run
DECIDING := advisor.knowledge,advisor.inference,advisor.explanation

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install demo test test-fast test-slow coverage lint bench docs lock clean

install: $(READY)

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is needed; on Debian: apt-get install python3.11 python3.11-venv"; exit 1; }
	@test -x $(RUN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) can't make virtual environments; on Debian: apt-get install python3.11-venv"; exit 1; }
	@echo "Installing the locked dependencies into $(VENV) (a few minutes the first time) ..."
	@$(RUN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(RUN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(RUN)/advisor rules list >/dev/null  # read and check the rulebooks once; later processes find them kept
	@touch $(READY)

# A problem described, an explained recommendation, a real data set trained, a measured model in a run folder.
demo: $(READY)
	@cat docs/samples/concrete-problem.json
	$(RUN)/advisor train --data docs/samples/concrete.csv --target strength \
		--problem docs/samples/concrete-problem.json --out $(DEMO_OUT) --force

test: lint test-fast test-slow

test-fast: $(READY)
	$(RUN)/python -m pytest -m "not slow" -n 2

test-slow: $(READY)
	@command -v chromium >/dev/null || echo "make: Chromium is not installed, so tests that open pages in a browser are skipped; on Debian: apt-get install chromium"
	$(RUN)/python -m pytest -m slow -n 2

lint: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

# Every branch of what decides and explains is tested: fails below 100 %.
coverage: $(READY)
	$(RUN)/python -m coverage run --branch --data-file=.coverage --source=$(DECIDING) -m pytest -q -m "not slow" \
		tests/unit/knowledge tests/unit/inference tests/unit/explanation tests/scenarios
	$(RUN)/python -m coverage report --data-file=.coverage --show-missing --skip-covered --fail-under=100

# Side-by-side measurements; they print what they compare with, and gate nothing.
bench: $(READY)
	$(RUN)/python -m benchmarks

docs: $(READY)
	$(RUN)/python docs/generate.py
	$(RUN)/mkdocs build --strict --quiet --config-file docs/mkdocs.yml

# Maintainers only: resolve the lock again (needs uv).
lock:
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --python-version 3.11 \
		--python-platform x86_64-manylinux_2_28 --no-annotate --no-header --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist site
