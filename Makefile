# The tasks of this project, as thin wrappers round scripts/ and Meson; `make help` lists them.
# Two of them do everything on a fresh Debian 12 with git and make: `make run` and `make test`.

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20

.DEFAULT_GOAL := help
.PHONY: help setup build run check test lint soak bench install fuzz clean distclean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what build, test and lint need (Debian, Python and npm packages, speech pack)
	@scripts/setup build
	@scripts/setup test
	@scripts/setup lint

build: ## Set up and build build/riposte
	@scripts/setup build
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)

run: build ## Set up, build, start the server and print what to open
	@exec $(BUILD)/riposte serve

check: build ## Unit tests, fuzz seeds and layering on the plain build: seconds, before each commit
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs --no-suite soak

test: ## Set up and run every test that a change must pass
	@scripts/setup test
	@.venv/bin/python scripts/test

lint: ## Format, clang-tidy, warnings as errors with gcc and clang, banned functions, layering
	@scripts/setup lint
	@scripts/lint

soak: ## What takes long: long simulations, failing allocations, load
	@scripts/setup test
	@.venv/bin/python scripts/test --soak

bench: build ## Latency, capacity and cost tables (docs/PERFORMANCE.md)
	@bench/run

fuzz: ## Fuzz every parser for FUZZ_SECONDS each (clang)
	@scripts/setup fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz

install: build ## Install below $(DESTDIR)$(PREFIX)
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@meson install -C $(BUILD)

clean: ## Remove what was built, keep what was downloaded
	@find $(BUILD) -mindepth 1 -maxdepth 1 ! -name speech -exec rm -rf {} + 2>/dev/null || true
	@rm -rf build-*

distclean: clean ## Remove what was downloaded as well (in this folder)
	@rm -rf $(BUILD) .venv .cache
	@find . -name node_modules -prune -exec rm -rf {} +
