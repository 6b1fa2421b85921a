PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
STUDY ?= study
BIOME := $(VENV)/javascript/node_modules/.bin/biome

.PHONY: demo test test-all bench gpu lint docs clean
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into $(VENV), once: about 6 GB, some minutes without a word"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[runtime,test]'
	touch $(READY)

demo: $(READY) ## the main job on simulated glitches, or on yours: make demo DATA=<folder of images> LABEL=<the label to look into>
ifdef DATA
	$(BIN)/python examples/demo.py --data "$(DATA)" --label "$(LABEL)" --out "$(STUDY)"
else
	$(BIN)/python examples/demo.py
endif

lint: $(READY) ## style, types, import contracts, JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if [ -x $(BIOME) ] || { command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix $(VENV)/javascript @biomejs/biome@2.6.8 axe-core@4.14.1; }; \
	then $(BIOME) lint --error-on-warnings discovery/*/*.js; \
	else echo "The JavaScript is not linted: it needs npm (Node.js) and the package @biomejs/biome"; fi

test: $(READY) lint ## everything that ends within minutes, a process for each of two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not long and not benchmark" --numprocesses 2 --dist loadfile

test-all: $(READY) lint ## the long tests too
	$(BIN)/python -m pytest -m "not benchmark"

bench: $(READY) ## the paired measurements, printed
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks -o python_files='bench_*.py' --timeout 7200

docs: $(READY) ## the documentation's pages, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open build/site/index.html"

gpu: ## the tests and measurements that need a CUDA device, by any python that has torch: make gpu PYTHON=python3
	$(if $(wildcard $(READY)),$(BIN)/python,$(PYTHON)) -m pytest -m gpu -s -o python_files='test_*.py bench_*.py' --durations 0 --timeout 300 $$(grep -rl 'pytest.mark.gpu' tests)

clean: ## remove the environment
	rm -rf $(VENV)
