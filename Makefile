# Everything runs in .venv, made on first use from the pinned versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: tour test test-slow test-interop lab lint js binder bench bench-check bench-view clean

tour: .venv/tour.stamp            ## predict, check, probe and draw the glass; prints where the report is
	$(BIN)/equiviz tour glass --out reports/glass.html

test: .venv/test.stamp browser    ## the whole suite, then the notebooks
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --cov --cov-report=term
	$(BIN)/python -m pytest -p no:randomly --nbval-lax --nbval-cell-timeout=300 notebooks

test-slow: .venv/test.stamp browser  ## the long versions: a hundred thousand damaged files, a thousand cells
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 -m slow

INTEROP := graph_pes mace nequip nglview pyg schnetpack

test-interop: $(INTEROP:%=.venv-interop/%.stamp)  ## adapters against the real packages, each in an environment of its own
	set -e; for name in $(INTEROP); do \
	  EQUIVIZ_INTEROP=$$name OMP_WAIT_POLICY=passive .venv-interop/$$name/bin/python -m pytest -m interop \
	    --override-ini filterwarnings=ignore tests/interop/test_$$name*.py; \
	done  # foreign packages warn of what they use themselves

lab: .venv/lab.stamp              ## JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks

lint: .venv/lint.stamp            ## style, types, one-way imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

js:                               ## the 3D view: types, tests, and whether the committed bundle is what the sources give
	cd js && npm ci --no-audit --no-fund --loglevel=error && npm run --silent types && npm test --silent
	cd js && npm run --silent build
	git diff --exit-code --stat -- equiviz/view/static

binder: .venv-binder/bin/jupyter-repo2docker  ## whether Binder would understand binder/, without building it
	.venv-binder/bin/jupyter-repo2docker --no-build --debug . 2>&1 | grep --quiet 'COPY.*binder'

.venv-binder/bin/jupyter-repo2docker:
	$(PYTHON) -m venv .venv-binder
	.venv-binder/bin/python -m pip install --quiet --disable-pip-version-check jupyter-repo2docker==2026.4.0

bench: .venv/test.stamp           ## the figures quoted in the README
	$(BIN)/python benchmarks/run_all.py

bench-check: .venv/test.stamp     ## planted faults: what check says of each, beside e3nn's own assertion
	OMP_WAIT_POLICY=passive $(BIN)/python -m benchmarks.check_faults
	OMP_WAIT_POLICY=passive $(BIN)/python -m benchmarks.check_speed

bench-view: .venv/test.stamp browser  ## the 3D view beside plotly, py3Dmol and nglview, in a real JupyterLab
	$(BIN)/python -m benchmarks.view

browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  echo "The browser tests need Chromium: apt-get install chromium"; exit 1; }

clean:
	rm -rf .venv .venv-interop .venv-binder reports .pytest_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

# torch first and pinned: its own dependency would bring gigabytes of CUDA.
.venv/tour.stamp: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --editable .
	@touch $@

.venv/lab.stamp: .venv/tour.stamp
	$(PIP) --editable '.[notebook]'
	@touch $@

.venv/test.stamp: .venv/tour.stamp
	$(PIP) --editable '.[test]'
	@touch $@

.venv/lint.stamp: .venv/tour.stamp
	$(PIP) --editable '.[lint]'
	@touch $@

# Not an extra of equiviz: mace-torch pins e3nn 0.4.4, nequip and equiviz want 0.6. What the adapters run needs no e3nn.
.venv-interop/%.stamp: tests/interop/environments/%.txt
	$(PYTHON) -m venv .venv-interop/$*
	.venv-interop/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	.venv-interop/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
