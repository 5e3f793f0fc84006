# All of it needs Python 3.11 or newer, make and git; what else it needs it installs into .venv and build/.
PYTHON ?= python3
VENV := .venv
RUN := PYTHONPATH=scripts $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
CHECKOV := build/checkov
FUZZ := build/fuzz
# For how long each target of `make fuzz` is fuzzed.
FUZZ_SECONDS ?= 30
# Such as SOAK_ARGS='--messages 10000 --workers 2'.
SOAK_ARGS ?=
# Extra arguments for Terraform on a real account, such as TF_ARGS='-var name=mail'.
TF_ARGS ?=
# Such as TF_INIT_ARGS='-backend-config=production.tfbackend'.
TF_INIT_ARGS ?=
# Such as BENCH_ARGS=--report, which measures nothing and writes the report anew.
BENCH_ARGS ?=
# Tests in parallel, more than there are cores since many wait; those of one stack stay in one process.
PYTEST_ARGS ?= -n 4 --dist loadgroup

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo up down test e2e check fmt validate package bench plan apply destroy lock clean soak fuzz

help: ## print this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## the whole pipeline once on this machine: mail, feedback, and the table that results
	@$(RUN) -m harness demo

up: $(INSTALLED) ## leave an emulator with the applied stack running for hands-on work
	@$(RUN) -m harness up

down: $(INSTALLED) ## end what `make up` started
	@$(RUN) -m harness down

# What needs LocalStack is left to `make e2e`.
test: $(INSTALLED) ## every test, end-to-end ones included, on the embedded emulator (EMULATOR chooses another)
	@$(VENV)/bin/pytest $(PYTEST_ARGS) --ignore=tests/localstack_plugins --ignore=tests/localstack_docker

# Each of two processes starts an emulator of its own.
e2e: PYTEST_ARGS := -n 2 --dist loadgroup
e2e: $(INSTALLED) ## the end-to-end tests on LocalStack, in Docker or else as a process (EMULATOR chooses another)
	@$(RUN) -m harness e2e $(PYTEST_ARGS)

check: $(INSTALLED) $(CHECKOV)/.installed ## lint, formatting, types, policies and reference tables, of Python and HCL
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(RUN) -m harness terraform fmt -check -recursive
	@$(VENV)/bin/python scripts/terraform_reference.py --check
	@# Not of the rest: B311, the jitter between retries is no secret; and of the local tools what their trade is, programs
	@# that they start and URLs that they open, which ruff checks too, each exception with its reason.
	@$(VENV)/bin/bandit --quiet --recursive --skip B311 function
	@$(VENV)/bin/bandit --quiet --recursive --severity-level medium --skip B310 scripts
	@$(CHECKOV)/bin/checkov --directory terraform --framework terraform --skip-path /tests/ --skip-download --compact --quiet

fmt: $(INSTALLED) ## format Python and HCL, renew the reference tables of the modules
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format
	@$(RUN) -m harness terraform fmt -recursive
	@$(VENV)/bin/python scripts/terraform_reference.py

validate: $(INSTALLED) ## let Terraform validate the root
	@mkdir -p build
	@$(RUN) -m harness terraform init -backend=false -input=false -no-color > build/init.log || { cat build/init.log; exit 1; }
	@$(RUN) -m harness terraform validate

package: $(INSTALLED) ## build the function's zip; the same sources give the same bytes
	@$(VENV)/bin/python scripts/package.py

bench: package ## measure time, cost and memory beside the article's function and the floor, and write BENCHMARKS.md
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m bench.run $(BENCH_ARGS)

soak: $(INSTALLED) ## 100,000 notifications, faults and kills among them, against several functions; renews RELIABILITY.md
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m soak.run $(SOAK_ARGS)

fuzz: $(FUZZ)/.installed ## look for input that breaks the parsers, guided by coverage, FUZZ_SECONDS for each of them
	@mkdir -p build/crashes
	@PYTHONPATH=function:tests $(FUZZ)/bin/python -m fuzz.seeds build/corpus
	@for target in address notification detail envelope body; do \
		echo "$$target: $(FUZZ_SECONDS) s"; \
		PYTHONPATH=function:tests $(FUZZ)/bin/python -m fuzz $$target -max_total_time=$(FUZZ_SECONDS) -max_len=262144 -timeout=5 \
			-rss_limit_mb=1024 -artifact_prefix=build/crashes/$$target- build/corpus/$$target > build/fuzz.log 2>&1 || \
			{ tail -30 build/fuzz.log; exit 1; }; \
		grep '^Done' build/fuzz.log; done

plan: package ## what `make apply` would change in the AWS account of your credentials (TF_ARGS, TF_INIT_ARGS)
	@$(RUN) -m harness terraform init $(TF_INIT_ARGS)
	@$(RUN) -m harness terraform plan $(TF_ARGS)

apply: package ## deploy to the AWS account of your credentials (TF_ARGS, TF_INIT_ARGS)
	@$(RUN) -m harness terraform init $(TF_INIT_ARGS)
	@$(RUN) -m harness terraform apply $(TF_ARGS)

destroy: package ## remove it from the AWS account of your credentials (TF_ARGS, TF_INIT_ARGS)
	@$(RUN) -m harness terraform init $(TF_INIT_ARGS)
	@$(RUN) -m harness terraform destroy $(TF_ARGS)

lock: ## renew the lock files requirements*.txt
	@rm -rf build/lock
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/pip install --quiet uv==0.13.9
	@for name in requirements requirements-checkov requirements-fuzz; do \
		build/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			--quiet --upgrade -o $$name.txt $$name.in; done
	@cd scripts/localstack_process && ../../build/lock/bin/uv pip compile --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade -o requirements.txt requirements.in
	@rm -rf build/lock

clean: ## end what `make up` started and what killed runs left, and remove build/ and .venv
	@if [ -e $(INSTALLED) ]; then $(RUN) -m harness clean; fi
	@rm -rf build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamp is newer than its lock file once all of that is installed; after an interruption pip goes on where it was.
define install
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)' 2>/dev/null || \
		{ echo "error: $(PYTHON) is missing or older than Python 3.11: install it, or run make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "error: $(PYTHON) has no venv module: install it (Debian: apt install python3-venv), or run make PYTHON=…" >&2; exit 1; }
	@echo "Installing $< into $(@D) (the first time, and when it changes)."
	@$(PYTHON) -m venv $(@D)
	@set -o pipefail; $(@D)/bin/pip install --disable-pip-version-check --progress-bar off --require-hashes --no-deps -r $< \
		| awk -v all="$$(grep == $< | grep -vc win32)" '/^(Collecting|Processing)/ { printf "\r%d of %d packages fetched", ++n, all; \
			fflush() } /^Installing/ { printf "\ninstalling …"; fflush() } END { print "" }'
	@touch $@
endef

$(INSTALLED): requirements.txt
	$(install)

$(CHECKOV)/.installed: requirements-checkov.txt
	$(install)

$(FUZZ)/.installed: requirements-fuzz.txt
	$(install)
