# Everything runs in .venv, made from a bare python3 (3.11 or newer) on first use.
PYTHON ?= python3
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
DEMO ?= runs/demo
DEMO_SIZE ?= --preset demo

.PHONY: demo test test-oldest test-slow lint types dists clean

demo: .venv/installed
	.venv/bin/koki2-train evolve L0.2 $(DEMO_SIZE) --out $(DEMO) $(if $(wildcard $(DEMO)/config.json),--resume)
	.venv/bin/koki2-train evaluate $(DEMO) --episodes 512 --seed 424242 --baseline random --baseline greedy --baseline oracle
	.venv/bin/koki2-train report $(DEMO)
	.venv/bin/koki2-train render $(DEMO)

test: .venv/installed-dev
	.venv/bin/python -m pytest -n auto --dist loadfile -m "not slow"

# A world of a late rung and whole runs with the oldest versions that pyproject.toml allows; needs Python 3.11.
test-oldest: .venv-oldest/installed
	.venv-oldest/bin/python -m pytest -q -m "not slow" tests/envs/params tests/train/experiment tests/train/strategies \
	    tests/train/evolution/test_evolve.py tests/train/cli/test_cli_settings.py \
	    tests/envs/environments/test_worlds_in_modes_of_jax.py "tests/envs/testing/test_check_env.py::test_every_family_passes[L4.1]"

test-slow: .venv/installed-dev
	.venv/bin/python -m pytest -n auto --dist loadfile -m slow

lint: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/installed-dev
	.venv/bin/mypy

dists: .venv/installed-dev
	.venv/bin/python -m build --outdir dist koki2_envs
	.venv/bin/python -m build --outdir dist koki2_train

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "koki2 needs Python 3.11 or newer; make PYTHON=... names one")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python constraints.txt koki2_envs/pyproject.toml koki2_train/pyproject.toml
	$(PIP) install -c constraints.txt -e "./koki2_envs[pictures]" -e ./koki2_train
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) install -r requirements-dev.txt
	touch $@

.venv-oldest/installed: constraints-oldest.txt koki2_envs/pyproject.toml koki2_train/pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip --disable-pip-version-check --quiet install -c constraints-oldest.txt \
	    -e "./koki2_envs[pictures]" -e ./koki2_train pytest hypothesis
	touch $@

clean:
	rm -rf .venv .venv-oldest dist runs .pytest_cache .mypy_cache .ruff_cache
