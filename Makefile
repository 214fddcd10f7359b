# Headrace: make up. Everything else is here too; `make` alone tells.
.PHONY: help up test check long lock bundle sbom clean
.DEFAULT_GOAL := help
quoted = '$(subst ','\'',$(1))'
ifdef OFFLINE
export PIP_NO_INDEX := 1
export PIP_FIND_LINKS := $(abspath $(OFFLINE))/wheels
endif

help: ## What there is.
	@printf 'make up      Install, fetch the models, make a workspace, show the first minute, and serve until Ctrl-C.\n'
	@printf '             DOCS=/folder   answer from these documents     ONCE=1           end after the first minute\n'
	@printf '             PORT=8080      where to serve                  HOST=127.0.0.1   for whom\n'
	@printf '             WORKSPACE=workspace   the folder of the workspace\n'
	@printf '             OFFLINE=/folder   install from a bundle, without a network\n'
	@printf 'make test    Every test but the long ones, and the coverage floors.   ARGS="-k words" goes to pytest\n'
	@printf 'make check   Format, lint, types, layers, licences.\n'
	@printf 'make long    The tests that take minutes, and every example of generated ones.\n'
	@printf 'make lock    Refresh requirements/*.lock; UPGRADE=1 takes the newest of everything.\n'
	@printf 'make bundle  Gather packages and models for machines without a network.   OUT=/folder\n'
	@printf 'make sbom    The bill of materials (CycloneDX) of what is installed: build/sbom.json.\n'
	@printf 'make clean   Take away .venv and what was built. The workspace and the models stay.\n'

up: ## Install and serve.
	@tools/setup.sh base
	@exec .venv/bin/headrace up --first-minute $(if $(ONCE),--once) $(if $(DOCS),--docs $(call quoted,$(DOCS))) \
	  $(if $(PORT),--port $(call quoted,$(PORT))) $(if $(HOST),--host $(call quoted,$(HOST))) \
	  $(if $(WORKSPACE),--workspace $(call quoted,$(WORKSPACE)))

test: ## Every test but the long ones.
	@tools/setup.sh test
	@tools/test.sh $(ARGS)

long: ## The tests that take minutes, and every example of generated ones.
	@tools/setup.sh test
	@.venv/bin/python -m pytest -m "long or hypothesis" --hypothesis-profile all $(ARGS)

check: ## Format, lint, types, layers, licences.
	@tools/setup.sh dev
	@tools/check.sh

lock: ## Refresh the locks.
	@tools/setup.sh dev
	@tools/lock.sh $(if $(UPGRADE),--upgrade)

bundle: ## What an installation without a network needs.
	@tools/setup.sh base
	@tools/bundle.sh $(if $(OUT),$(call quoted,$(OUT)),build/bundle)

sbom: ## The bill of materials.
	@tools/setup.sh base
	@.venv/bin/python tools/sbom.py

clean: ## Take away what was built.
	rm -rf .venv .venv.lock .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
