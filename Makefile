# Rollcall's commands. They need make, git, and Python 3.11 to 3.13 with venv. Everything else goes into .venv.
# `make demo PYTHON=/path/to/python3.12` chooses the Python; an existing .venv keeps its own until `make clean`.

PYTHON ?=
ARGS ?=
# How often the long tests repeat what they do: 1 is what CI runs (tests/support/scale.py).
SCALE ?= 1
export SCALE
UV_VERSION := 0.13.9
# CDK's command line: version 3.0.0 refuses what this version of the library writes.
CDK_VERSION := 2.1148.1
STAGE ?= dev
# How many Slack functions Lambda keeps started in AWS, with one queue function. Each costs some 15 dollars a month.
WARM ?=
# The simulation's seeds: how many, or for how many hours, and from which one on.
SEEDS ?= 200
HOURS ?=
FIRST ?=
# What a run of the simulation leaves out: kinds of faults, and numbers and seconds beyond these.
WITHOUT ?=
MEMBERS ?=
EVENTS ?=
PROCESSES ?=
SECONDS ?=

SHELL := /bin/sh
PY := .venv/bin/python
# One worker more than there are cores, because tests wait for servers, browsers and disks. At most 4.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 3 ? cores + 1 : 4)))
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist worksteal --durations=10
PIP := $(PY) -m pip --quiet --disable-pip-version-check
# The requirements files name everything, so pip need not look for more. A pip before 23.3 does not see that a pin of
# `coverage` covers `coverage[toml]`, and would refuse it as unpinned once a newer version is out.
ALL_PINNED := --no-deps --require-hashes
# Three times as fast as pip, which follows where uv fails: uv knows nothing of pip's settings, such as an index.
UV_INSTALL := $(PY) -m uv pip install --quiet --python $(PY) --link-mode copy --compile-bytecode $(ALL_PINNED) -r

# CDK's library also runs on Node 20, but warns about it.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# Without bytecode files each start takes about a second longer.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak simulate coverage check screenshots synth template deploy bench validate openapi format pins clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

setup: .venv/.project ## install the rollcall command and the development tools into .venv
	@echo "Ready: .venv/bin/rollcall --help lists the commands"

demo: .venv/.run-pins ## run the bot in a stand-in Slack workspace on this machine
	@$(PY) -m playground $(ARGS)

test: .venv/.project .venv/.infra-pins ## run all tests except the long ones (ARGS="-k word" selects)
	@$(PYTEST) -m "not soak" $(ARGS)

soak: .venv/.project .venv/.infra-pins ## run the long tests: races, crashes, integrity under load, fuzzing (SCALE=10 for ten times as much)
	@$(PYTEST) -m soak $(ARGS)

simulate: .venv/.project .venv/.infra-pins ## run the product in virtual time, each run from a seed (SEEDS=200 FIRST=0, or HOURS=2)
	@$(PY) -m tests.support.simulation --seeds $(SEEDS) $(if $(HOURS),--hours $(HOURS)) $(if $(FIRST),--first $(FIRST)) \
		$(if $(MEMBERS),--members $(MEMBERS)) $(if $(EVENTS),--events $(EVENTS)) \
		$(if $(PROCESSES),--processes $(PROCESSES)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(WITHOUT),--without $(WITHOUT))

coverage: .venv/.project .venv/.infra-pins ## run make test and fail if a branch of domain/ or storage/ is not covered
	@$(PYTEST) -m "not soak" --cov --cov-report term-missing:skip-covered $(ARGS)
	@$(PY) -m coverage report --include "domain/*,storage/*" --skip-covered --fail-under 100

check: .venv/.project .venv/.infra-pins ## check style, spelling, types and import rules
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/codespell
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo

TEMPLATE := cdk.out/rollcall-$(STAGE).template.json

synth: template ## write the AWS template to cdk.out and check it, without an account (STAGE=dev)
	@$(PY) -m tests.support.infra.template_checkers $(TEMPLATE)
	@echo "The template: $(TEMPLATE)"

# Without the checkers of `make synth`, which are 400 MB. cdk-nag checks it.
template: .venv/.project .venv/.infra-pins
	@CDK_OUTDIR=cdk.out CDK_CONTEXT_JSON='{"stage": "$(STAGE)", "warm": "$(WARM)"}' $(PY) -m infra.app

# CloudFormation keeps the present value of a parameter that is not given.
deploy: ## deploy a stage to AWS (STAGE=prod WORKSPACE=T0123456789 ALARM_EMAIL=you@example.org)
	@test $(origin STAGE) != file || { echo "Which stage? make deploy STAGE=prod" >&2; exit 2; }
	@$(MAKE) --no-print-directory template
	@npx --yes aws-cdk@$(CDK_VERSION) deploy --app cdk.out \
		$(if $(WORKSPACE),--parameters Workspace=$(WORKSPACE)) \
		$(if $(ALARM_EMAIL),--parameters AlarmEmail=$(ALARM_EMAIL)) \
		$(if $(BUDGET),--parameters MonthlyBudget=$(BUDGET)) \
		$(if $(API),--parameters HttpApi=$(API)) \
		$(if $(CONCURRENCY),--parameters Concurrency=$(CONCURRENCY)) $(ARGS) rollcall-$(STAGE)

bench: .venv/.project .venv/.infra-pins ## run the benchmarks, in under 20 minutes (ARGS="store http" for some)
	@$(PY) -m tests.benchmarks $(ARGS)

screenshots: .venv/.project ## retake the pictures in docs/, from the demo in a browser
	@$(PY) -m tests.support.browser.screenshots

validate: .venv/.project ## have Slack itself validate every message and view (needs SLACK_BOT_TOKEN)
	@mkdir -p .cache && $(PY) -m tests.support.slack.rendered > .cache/surfaces.jsonl && .venv/bin/rollcall validate .cache/surfaces.jsonl

openapi: .venv/.project ## write docs/openapi.json from the code
	@$(PY) -m tests.support.api.openapi > docs/openapi.json

format: .venv/.project ## sort imports and format the code
	@$(PY) -m ruff check --quiet --select I --fix .
	@$(PY) -m ruff format .

# Each file is constrained by the one before, because they share one .venv; those of the engine, the checkers and Lambda
# are separate.
pins: .venv/pyvenv.cfg ## write requirements*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(PIP) install uv==$(UV_VERSION)
	$(UV_COMPILE) pyproject.toml --output-file requirements.txt
	$(UV_COMPILE) pyproject.toml --extra test --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(UV_COMPILE) pyproject.toml --extra infra --constraint requirements-dev.txt --output-file requirements-infra.txt
	$(UV_COMPILE) --group engine --output-file requirements-engine.txt
	$(UV_COMPILE) --group checkers --output-file requirements-checkers.txt
	$(UV_COMPILE) --group lambda --output-file requirements-lambda.txt

UV_COMPILE = @$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make pins" $(ARGS)

clean: ## remove .venv, caches and the demo's data
	rm -rf .venv .rollcall .cache .coverage htmlcov build cdk.out *.egg-info \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name node_modules -prune -o -name __pycache__ -type d -exec rm -rf {} +


# The contents of .venv. An empty file there says that a step is done; make repeats the step when its source is newer.

.venv/.run-pins: requirements.txt .venv/pyvenv.cfg
	@echo "Installing what Rollcall runs on into .venv"
	@$(PIP) install $(ALL_PINNED) -r requirements.txt
	@touch $@

.venv/.dev-pins: requirements-dev.txt .venv/pyvenv.cfg
	@echo "Installing Rollcall's libraries, test tools and linters into .venv"
	@sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^ /p;}' requirements-dev.txt > .venv/uv.txt
	@$(PIP) install $(ALL_PINNED) -r .venv/uv.txt
	@$(UV_INSTALL) requirements-dev.txt || $(PIP) install $(ALL_PINNED) -r requirements-dev.txt
	@touch $@ .venv/.run-pins

.venv/.infra-pins: requirements-infra.txt .venv/.dev-pins
	@echo "Installing CDK into .venv"
	@$(UV_INSTALL) requirements-infra.txt || $(PIP) install $(ALL_PINNED) -r requirements-infra.txt
	@touch $@

# The `rollcall` command, run from this checkout.
.venv/.project: pyproject.toml .venv/.dev-pins
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/pyvenv.cfg:
	@python=$$(sh -c "$$FIND_PYTHON") || exit 1; \
	echo "Making .venv with $$("$$python" --version)"; \
	rm -rf .venv && "$$python" -m venv .venv

# A .venv that is incomplete, or whose Python is gone or too old, is made again.
CAN_RUN := import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifneq ($(shell $(PY) -c '$(CAN_RUN)' 2>/dev/null && echo yes),yes)
.PHONY: .venv/pyvenv.cfg
endif

# Print the first Python that runs, is 3.11 to 3.13 and can make a .venv, or say what is wrong with each.
# A name on PATH is not enough: a version manager's shim may have no Python behind it.
define FIND_PYTHON
for python in $${ASKED:-python3.13 python3.12 python3.11 python3}; do
    if ! command -v "$$python" >/dev/null; then
        wrong="is not there"
    elif ! version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
        wrong="does not start"
    elif ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then
        wrong="is $$version without venv (Debian and Ubuntu: apt install python3-venv)"
    else
        case $$version in
            3.11|3.12|3.13) echo "$$python"; exit 0 ;;
            *) wrong="is $$version" ;;
        esac
    fi
    reasons="$$reasons
  $$python $$wrong"
done
echo "Rollcall needs Python 3.11, 3.12 or 3.13 with venv.$$reasons
Install one of them, or name it: make PYTHON=/path/to/python3" >&2
exit 1
endef
export FIND_PYTHON
export ASKED := $(PYTHON)
