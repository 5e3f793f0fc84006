# All of it needs Python 3.11 or newer, make and git; what else it needs it installs into .venv and build/.
PYTHON ?= python3
VENV := .venv
RUN := PYTHONPATH=scripts $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
CHECKOV := build/checkov
# Extra arguments for Terraform on a real account, such as TF_ARGS='-var name=mail'.
TF_ARGS ?=
# Such as TF_INIT_ARGS='-backend-config=production.tfbackend'.
TF_INIT_ARGS ?=
# Tests in parallel; those of one stack stay in one process.
PYTEST_ARGS ?= -n 2 --dist loadgroup

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo up down test e2e check fmt validate package bench plan apply destroy lock clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## the whole pipeline once on this machine: mail, feedback, and the table that results
	@$(RUN) -m harness demo

up: $(INSTALLED) ## leave an emulator with the applied stack running for hands-on work
	@$(RUN) -m harness up

down: $(INSTALLED) ## end what `make up` started
	@$(RUN) -m harness down

test: $(INSTALLED) ## every test, end-to-end ones included
	@$(VENV)/bin/pytest $(PYTEST_ARGS)

e2e: $(INSTALLED) ## the end-to-end tests alone, on the emulator that EMULATOR names (auto, embedded, localstack, URL)
	@$(VENV)/bin/pytest $(PYTEST_ARGS) tests/e2e

check: $(INSTALLED) $(CHECKOV)/.installed ## lint, formatting, types, policies and reference tables, of Python and HCL
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(RUN) -m harness terraform fmt -check -recursive
	@$(VENV)/bin/python scripts/terraform_reference.py --check
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

bench: package ## measure the cold start and the CPU time per 1,000 notifications
	@$(VENV)/bin/python tests/bench/run.py

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
	@for name in requirements requirements-checkov; do \
		build/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			--quiet --upgrade -o $$name.txt $$name.in; done
	@rm -rf build/lock

clean: ## end what `make up` started, and remove build/ and .venv
	@if [ -d build/up ] && [ -e $(INSTALLED) ]; then $(RUN) -m harness down; fi
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
