# You need make, git and Python 3.11 or newer. The newest Python on PATH is used; PYTHON=… names another. Everything else
# is installed into .venv and build/, from the locks that `make lock` makes from pyproject.toml.
SHELL := bash
VENV := .venv
RUN := PYTHONPATH=scripts $(VENV)/bin/python
# For targets that need only Python: packaging and deploying install nothing.
BARE := PYTHONPATH=scripts scripts/python
HARNESS := $(VENV)/.harness
DEV := $(VENV)/.dev
CHECKOV := build/checkov/.installed
FUZZ := build/fuzz/.installed
COSMIC_RAY := build/cosmic-ray/.installed
SBOM := build/sbom/.installed
# What the command line installs and nothing else, to list it.
SHIPPED := build/command-line/.installed
UV := build/lock/.installed
# Such as LOCK_ARGS=, which keeps every version that still fits.
LOCK_ARGS ?= --upgrade
# Seconds for each target of `make fuzz`.
FUZZ_SECONDS ?= 30
# Such as SOAK_ARGS='--messages 10000 --workers 2'.
SOAK_ARGS ?=
# The same of changes, such as CHANGES_SOAK_ARGS='--changes 10000'.
CHANGES_SOAK_ARGS ?=
# Extra arguments for Terraform on a real account, such as TF_ARGS='-var name=mail'.
TF_ARGS ?=
# Such as TF_INIT_ARGS='-backend-config=production.tfbackend'.
TF_INIT_ARGS ?=
# Such as MUTANTS_ARGS='evidence table'.
MUTANTS_ARGS ?=
# Such as RELEASE_ARGS=--dry-run.
RELEASE_ARGS ?=
# Such as BENCH_ARGS=--report, which measures nothing and only rewrites the report.
BENCH_ARGS ?=
# Tests in parallel, more than there are cores since many wait; those of one stack stay in one process.
PYTEST_ARGS ?= -n 4 --dist loadgroup
# How many new examples of each property `make test-all` tries, and the seed that chooses them; it prints one to repeat.
SEARCH_EXAMPLES ?= 500
SEARCH_SEED := $(or $(SEARCH_SEED),$(shell echo $$RANDOM$$RANDOM))

# Python compiles packages at the first import. A setting that forbids it would cost every start a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up down test test-all rest search e2e check fmt validate package bench pictures plan apply destroy lock \
	clean soak fuzz mutants command-line installed lint borders types terraform-format terraform-reference security policies packaged documents workflows \
	release release-files

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(HARNESS) ## run the whole pipeline once on this machine, from mail to the table (1 minute)
	@$(RUN) -m harness demo

up: $(HARNESS) ## start an emulator with the applied stack and leave it running for hands-on work
	@$(RUN) -m harness up

down: $(HARNESS) ## stop what `make up` started
	@$(RUN) -m harness down

test: $(DEV) ## test it all once: functions, table, command line, modules, one applied stack (4 minutes)
	@$(VENV)/bin/pytest $(PYTEST_ARGS) tests/unit tests/integration tests/terraform tests/e2e

test-all: test rest search ## test the rest too: changes of live stacks, faults, tools; look for new examples (15 minutes)

# Most of the time it waits.
rest: PYTEST_ARGS := -n 6 --dist loadgroup
rest: $(DEV)
	@$(VENV)/bin/pytest $(PYTEST_ARGS) tests/lifecycle tests/tooling tests/faults tests/soak tests/fuzz tests/mutants

# `make test` tries the same examples each time; here are others. What it finds, the next search on this machine tries again.
search: $(DEV)
	@echo "New examples of each property. To repeat: make search SEARCH_SEED=$(SEARCH_SEED) SEARCH_EXAMPLES=$(SEARCH_EXAMPLES)"
	@SEARCH_EXAMPLES=$(SEARCH_EXAMPLES) $(VENV)/bin/pytest $(PYTEST_ARGS) -m hypothesis --hypothesis-profile search \
		--hypothesis-seed $(SEARCH_SEED) tests/unit tests/integration || { \
		echo "To keep an example, put what it prints as @example(...) above the test's @given."; exit 1; }

# Each of the two processes starts its own emulator.
e2e: PYTEST_ARGS := -n 2 --dist loadgroup
e2e: $(DEV) ## run the end-to-end tests on LocalStack, in Docker or as a process (or the emulator in EMULATOR; 5 minutes)
	@$(RUN) -m harness e2e $(PYTEST_ARGS)

CHECKS := types policies lint borders terraform-reference security documents terraform-format workflows packaged
# Runs two at a time and all of them even if one fails, and keeps each one's output together. (make's own --output-sync
# locks standard output, and waits for any process that has locked the same file, such as /dev/null.)
PARALLEL := $(if $(findstring jobserver,$(MAKEFLAGS)),,-j2)
check: ## check style, types, borders, policies, words, links, and that reference tables and zip are current (45 s)
	@$(MAKE) --no-print-directory $(PARALLEL) installed
	@mkdir -p build/check
	@$(MAKE) --no-print-directory $(PARALLEL) --keep-going $(CHECKS:%=checked-%)

checked-%:
	@$(MAKE) --no-print-directory $* > build/check/$*.log 2>&1; status=$$?; cat build/check/$*.log; exit $$status

installed: $(DEV) $(CHECKOV)
	@:

types: $(DEV)
	@$(VENV)/bin/mypy

policies: $(CHECKOV)
	@# The variable stops checkov from asking for a newer version.
	@CKV_SKIP_PACKAGE_UPDATE_CHECK=true $(dir $(CHECKOV))bin/checkov --directory terraform --framework terraform --skip-path /tests/ \
		--skip-download --compact --quiet

lint: $(DEV)
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check

borders: $(DEV)
	@mkdir -p build
	@PYTHONPATH=function:scripts $(VENV)/bin/lint-imports --no-logo --cache-dir build/import-linter > build/borders.log || \
		{ cat build/borders.log; exit 1; }

terraform-reference: $(DEV)
	@$(RUN) -m tools.terraform_reference --check

security: $(DEV)
	@# Skipped: B311, because the jitter between retries need not be secret. For the local tools also what they exist to do:
	@# start programs and open URLs. Ruff checks those too, and each exception there has its reason.
	@$(VENV)/bin/bandit --quiet --recursive --skip B311 function
	@$(VENV)/bin/bandit --quiet --recursive --severity-level medium --skip B310 scripts

terraform-format:
	@$(BARE) -m harness terraform fmt -check -recursive

packaged:
	@$(BARE) -m tools.package --check

documents: $(DEV)
	@# What git tracks and people wrote; pyproject.toml says which words and files are left out.
	@git ls-files -z | xargs -0 $(VENV)/bin/codespell
	@git ls-files -z '*.md' 'terraform/*.tf' 'terraform/*.yaml' 'scripts/healthy_mailing_cli/*.py' | \
		xargs -0 $(VENV)/bin/codespell --config scripts/tools/words.cfg
	@$(RUN) -m tools.links

workflows: $(DEV)
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml \
		terraform/examples/pipeline/github-actions.yml
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci terraform/examples/pipeline/gitlab-ci.yml

fmt: $(DEV) ## format Python and HCL, and write the modules' reference tables and the functions' zip
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format
	@$(BARE) -m harness terraform fmt -recursive
	@$(RUN) -m tools.terraform_reference
	@$(BARE) -m tools.package

validate: ## validate the root with Terraform
	@mkdir -p build
	@$(BARE) -m harness terraform init -backend=false -input=false -no-color > build/init.log || { cat build/init.log; exit 1; }
	@$(BARE) -m harness terraform validate

package: ## build the functions' zip after a change of function/; the zip is checked in
	@$(BARE) -m tools.package

release: ## check, test, and make a release of VERSION, as a commit and a tag; pushes nothing (RELEASE_ARGS=--dry-run)
	@test -n '$(VERSION)' || { echo "error: say which: make release VERSION=1.2.3" >&2; exit 1; }
	@$(BARE) -m tools.release '$(VERSION)' $(RELEASE_ARGS)

release-files: $(SBOM) $(SHIPPED) ## the release's zip, checksums and bill of materials, into build/release (TAG must fit)
	@$(BARE) -m tools.release_files $(if $(TAG),--tag '$(TAG)')

bench: package $(DEV) ## measure time, cost and memory against the article's function and the floor, and write docs/benchmarks.md
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m bench.run $(BENCH_ARGS)

pictures: $(DEV) ## draw the picture of the report's page in docs/ again; needs a Chromium
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m pictures

soak: $(DEV) ## send 100,000 notifications, then 100,000 changes, through several functions with faults and kills; updates docs/reliability.md
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m soak.run $(SOAK_ARGS)
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m soak.changes $(CHANGES_SOAK_ARGS)

fuzz: $(FUZZ) ## fuzz the parsers, guided by coverage, for FUZZ_SECONDS each
	@mkdir -p build/crashes
	@for target in address notification detail envelope body; do \
		echo "$$target: $(FUZZ_SECONDS) s"; \
		PYTHONPATH=function:scripts:tests $(dir $(FUZZ))bin/python -m fuzz $$target -max_total_time=$(FUZZ_SECONDS) -max_len=262144 -timeout=5 \
			-rss_limit_mb=1024 -artifact_prefix=build/crashes/$$target- > build/fuzz.log 2>&1 || \
			{ tail -30 build/fuzz.log; exit 1; }; \
		grep '^Done' build/fuzz.log; done

mutants: $(DEV) $(COSMIC_RAY) ## make every small change to the core, one at a time, and check that a test fails; resumes where it stopped
	@PYTHONPATH=function:scripts:tests $(VENV)/bin/python -m mutants.run $(MUTANTS_ARGS)

plan: package ## show what `make apply` would change in your AWS account (TF_ARGS, TF_INIT_ARGS)
	@$(BARE) -m harness terraform init $(TF_INIT_ARGS)
	@$(BARE) -m harness terraform plan $(TF_ARGS)

apply: package ## deploy to your AWS account (TF_ARGS, TF_INIT_ARGS)
	@$(BARE) -m harness terraform init $(TF_INIT_ARGS)
	@$(BARE) -m harness terraform apply $(TF_ARGS)

destroy: ## remove the deployment from your AWS account (TF_ARGS, TF_INIT_ARGS)
	@$(BARE) -m harness terraform init $(TF_INIT_ARGS)
	@$(BARE) -m harness terraform destroy $(TF_ARGS)

command-line: $(VENV)/.command_line ## install what scripts/mailing needs

COMPILE := build/lock/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --quiet
COMPILE_3.11 = $(COMPILE) $(LOCK_ARGS) --python-version 3.11
lock: $(UV) ## update the locks in requirements/ from pyproject.toml (LOCK_ARGS= keeps the versions)
	@$(COMPILE_3.11) --group dev -o requirements/dev.txt pyproject.toml
	@# Packages for the same .venv must have the same versions.
	@$(COMPILE_3.11) -c requirements/dev.txt -o requirements/command-line.txt pyproject.toml
	@$(COMPILE_3.11) -c requirements/dev.txt --group harness -o requirements/harness.txt
	@for group in checkov fuzz cosmic-ray sbom lock; do $(COMPILE_3.11) --group $$group -o requirements/$$group.txt || exit 1; done
	@cd scripts/harness/emulators/localstack_plugins && ../../../../$(COMPILE) $(LOCK_ARGS) --python-version 3.12 --group build \
		-o ../../../../requirements/localstack.txt pyproject.toml

clean: ## stop `make up`, remove what killed runs left behind, and delete build/ and .venv
	@if [ -e $(HARNESS) ]; then $(RUN) -m harness clean; fi
	@rm -rf build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A stamp is newer than its lock once everything is installed. After an interruption pip continues where it stopped.
define install
	@MODULES="venv, ensurepip" $(BARE) -m harness install $(@D) $<
	@touch $@
endef

$(HARNESS): requirements/harness.txt
	$(install)

$(VENV)/.command_line: requirements/command-line.txt
	$(install)

# It holds the two above.
$(DEV): requirements/dev.txt
	$(install)
	@touch $(HARNESS) $(VENV)/.command_line

# Each of the others has an environment of its own.
build/%/.installed: requirements/%.txt
	$(install)
