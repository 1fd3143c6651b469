# A fresh clone needs Python 3.11 or newer, pip and make; everything else is installed into .venv.
#
#   make demo    train a small network on handwritten digits, query it, recover its weights
#   make test    style, types and tests
#   make studies the tests that take long
#   make docs    the documentation, with its examples run, in docs/_build/html
#   make bench   the benchmarks, listed; make bench NAME=... runs one
#   make wheel-check   builds the wheel and tries it in an environment with nothing else in it
#   make clean   removes what the above have made

VENV := .venv
BIN := $(VENV)/bin

# The first interpreter on the PATH that is new enough; PYTHON=... overrules it.
PYTHON ?= $(shell for python in python3 python python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)

# Matrix products in several threads within several test processes get in each other's way.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	VECLIB_MAXIMUM_THREADS=1

# Some systems ship venv without the pip that belongs inside; the outer pip can install from
# without. $(call fresh,FOLDER) makes an environment, $(call install,FOLDER,WHAT) fills it.
fresh = $(PYTHON) -m venv $(1) || $(PYTHON) -m venv --clear --without-pip $(1)
install = if $(1)/bin/python -m pip --version >/dev/null 2>&1; \
	then $(1)/bin/python -m pip install --quiet -c constraints.txt $(2); \
	else $(PYTHON) -m pip --python $(1)/bin/python install --quiet -c constraints.txt $(2); fi

EVERYTHING := -e '.[dev,all]'

.PHONY: demo test studies lint docs bench wheel-check clean

demo: $(VENV)/.ready
	$(BIN)/unrelu demo -o unrelu-demo

# pytest comes last, so that its closing line does too.
test: lint
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadgroup

studies: $(VENV)/.ready
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 -m study

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.ready
	$(ONE_THREAD) $(BIN)/python -m sphinx -W --keep-going docs docs/_build/html

bench: $(VENV)/.ready
ifdef NAME
	$(BIN)/python benchmarks/$(NAME).py
else
	@echo "make bench NAME=... runs one of:"
	@ls benchmarks | sed -n 's/^\([a-z].*\)\.py$$/  \1/p'
endif

WHEEL := build/wheel-check

# Outside of the repository's folder, and without PYTHONPATH, the wheel is all there is to import.
wheel-check: $(VENV)/.ready
	rm -rf $(WHEEL)
	$(BIN)/python -m hatchling build -t wheel -d $(WHEEL)
	$(call fresh,$(WHEEL)/venv)
	$(call install,$(WHEEL)/venv,$(WHEEL)/*.whl)
	version=$$($(BIN)/python -c 'import unrelu; print(unrelu.__version__)') && cd $(WHEEL) \
	&& env -u PYTHONPATH venv/bin/python $(CURDIR)/tests/support/lean_installation.py $$version

# The stamp is written last: an interrupted installation starts again.
$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "unrelu needs Python 3.11 or newer on the PATH" >&2; exit 1; }
	rm -rf $(VENV)
	$(call fresh,$(VENV))
	$(call install,$(VENV),$(EVERYTHING))
	touch $@

clean:
	rm -rf $(VENV) build dist unrelu-demo docs/_build docs/api docs/examples \
		docs/architecture.svg docs/command-line.rst docs/recipes.rst docs/sg_execution_times.rst \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
