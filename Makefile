# make demo   build, install into .venv and run the main job on real data
# make test   the same, then the whole suite
# make isas   the tests of what the kernels do, once more in each instruction set but the best, which make test used
# make slow   many seeds and long property tests
# make bench  the kernels against others and the machine's peak, the trainers against each other, prediction, the
#             failure modes
# make docs   the documentation, into build/docs; fails on any warning
# make lint   format, lint and type checks

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SOURCES := $(shell find cpp python -name '*.[ch]pp' -o -name '*.py' -o -name '*.pyi') CMakeLists.txt pyproject.toml

.PHONY: demo test isas slow bench docs lint format clean
.DELETE_ON_ERROR:

demo: $(VENV)/cli
	$(BIN)/cfensemble demo --save demo

test: demo $(VENV)/test
	$(BIN)/python -m pytest --cov=cfensemble --cov-report=term-missing:skip-covered

isas: $(VENV)/test
	isas=$$($(BIN)/python -c 'from cfensemble import _core; print(*_core.supported()[:-1])') && for isa in $$isas; do \
	    echo "== CFENSEMBLE_ISA=$$isa"; \
	    CFENSEMBLE_ISA=$$isa $(BIN)/python -m pytest -q tests/core tests/ensemble tests/objectives tests/optimization || exit; \
	done

slow: $(VENV)/test
	$(BIN)/python -m pytest -m "slow or hypothesis" --hypothesis-profile=long

bench: $(VENV)/bench
	$(BIN)/python bench/kernels.py
	$(BIN)/python -m pytest bench --benchmark-only
	$(BIN)/python bench/joint_solver.py
	$(BIN)/python bench/prediction.py
	$(BIN)/python bench/waiting.py
	$(BIN)/python bench/quality.py
	$(BIN)/python bench/multiclass.py
	$(BIN)/python bench/stacking.py
	$(BIN)/python bench/als_vs_torch.py
	$(BIN)/python bench/failure_modes.py

docs: $(VENV)/docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet docs build/docs

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	find cpp -name '*.[ch]pp' | xargs $(BIN)/clang-format --dry-run --Werror

format: $(VENV)/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	find cpp -name '*.[ch]pp' | xargs $(BIN)/clang-format -i

clean:
	rm -rf $(VENV) build dist demo docs/pictures docs/reference/generated

# One stamp per set of extras; a changed source is installed anew. The build's requirements lie in the environment itself,
# so that a second build finds what the first one compiled.
$(VENV)/%: $(SOURCES) constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt '.[$*]' $(PIP_FLAGS)
	touch $@

# cmfrec has no wheels: what it needs to be compiled against the NumPy that it will meet.
$(VENV)/bench: | $(VENV)/cmfrec
$(VENV)/cmfrec: | $(BIN)/python
	$(BIN)/python -m pip install --quiet 'numpy>=2' scipy cython findblas setuptools wheel
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=24' cmake ninja
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	    >$(VENV)/build-requirements.txt
	$(BIN)/python -m pip install --quiet --requirement $(VENV)/build-requirements.txt
