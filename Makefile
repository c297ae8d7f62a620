# The ways to run, test and check Glasshouse. `make` alone lists them.
# Continuous integration calls `make test` and nothing else, so what passes here passes there.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# Two targets at once would only wait for cargo's lock.
.NOTPARALLEL:

# Extra words for the program or for the tests: `make run ARGS=migrate`, `make test-fast ARGS=orders`.
ARGS ?=

.PHONY: help
help: ## List these targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: run
run: ## Build and serve on SQLite; DATABASE_URL=postgres://… serves on PostgreSQL
	cargo run --locked --release -- $(ARGS)

.PHONY: setup
setup: ## Install what the tests need (Debian, Ubuntu), or say what is missing
	@scripts/setup

.PHONY: test
test: setup lint ## Everything: set-up, lint, all tests on SQLite and on a throw-away PostgreSQL
	scripts/with-postgres cargo test --locked --workspace -- $(ARGS)

# Named after what they need, tests on PostgreSQL have it in their path: `orders::placing::a_key_replays::postgres`.
.PHONY: test-fast
test-fast: ## The inner loop: unit tests and SQLite only, counted as filtered out is what needs PostgreSQL
	cargo test --locked --workspace --lib --bins --tests -- --skip postgres $(ARGS)

# The documentation is for those who work on the code: private items are in it, so links to them are good links.
.PHONY: lint
lint: ## Format, clippy and documentation, every warning an error
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	cargo clippy --locked --test process --features planted-bugs -- --deny warnings
	RUSTDOCFLAGS='--deny warnings --allow rustdoc::private-intra-doc-links' cargo doc --locked --workspace --no-deps --document-private-items

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: docs
docs: ## Write the generated documents anew (settings, metrics, OpenAPI, dashboards), which the tests hold equal to the code
	UPDATE_DOCS=1 scripts/with-postgres cargo test --locked --workspace --lib --bins --tests -- up_to_date

.PHONY: dashboards
dashboards: ## Write the Grafana dashboards anew from tools/dashboards and the metric declarations
	cargo run --locked --package dashboards

.PHONY: pictures
pictures: ## Draw the pictures of docs/dashboards.md anew (6 minutes; Node and Chromium): tools/panels/README.md
	cargo build --locked --release
	@scripts/pictures $(ARGS)

# 45 seconds of it on each database are part of `make test`.
.PHONY: chaos
chaos: ## Order while service and database are killed, paused and cut off: DATABASE=both DURATION=10m SEED=7 ROUNDS=20
	@scripts/chaos

.PHONY: chaos-bugs
chaos-bugs: ## Plant bugs in the service, one after the other, and see whether the chaos finds each (10 minutes)
	@scripts/chaos bugs

# Variables given to make are in the environment of what it runs: RATE=200, DURATION=5m, API=http://host:port, …
SCENARIO ?= average

.PHONY: load
load: ## Load a running, seeded service with k6: SCENARIO=stress RATE=200 API=http://… (docs/load-testing.md)
	@loadtest/run $(SCENARIO)

.PHONY: load-local
load-local: ## Load a service that is started for it and gone afterwards: DATABASE=postgres SCENARIO=stress
	cargo build --locked --release
	@scripts/load-local $(or $(DATABASE),sqlite) $(SCENARIO)

# Hours of it; each part alone in minutes: bench/run says which there are.
.PHONY: bench
bench: ## Measure the service beside its peer, its telemetry, and at scale, and write the documents: ONLY="compare pools" QUICK=1
	@bench/run $(ONLY)

# No part of `make test`, which builds nothing optimised: this build takes many times as long as all that is counted.
.PHONY: bench-guard
bench-guard: ## Hold the instructions of a few requests against those written down (valgrind; 10 minutes, nearly all of them the build): ARGS=--renew writes them
	@bench/instructions $(ARGS)

.PHONY: fuzz-api
fuzz-api: ## Fuzz the API by its OpenAPI document with Schemathesis, in three roles: DATABASE=postgres EXAMPLES=100 SEED=7
	cargo build --locked --release
	@scripts/fuzz-api $(or $(DATABASE),sqlite)

# Its properties are part of `make test`, on the seeds and on inputs drawn without looking at the code.
.PHONY: fuzz
fuzz: ## Fuzz tokens, cursors, idempotency keys and problems with libFuzzer, 60 seconds each: TARGET=token DURATION=10m
	@scripts/fuzz

.PHONY: image
image: ## Build the image of the service, with docker, podman or buildah
	@scripts/image

.PHONY: image-test
image-test: ## Build the image, look whether it is and does what it says, and what a change builds anew (ARGS=container: only the first)
	@scripts/image-check $(ARGS)

# PROFILES='traces logs replicas' brings up more: docs/running.md.
.PHONY: stack
stack: ## Bring up the service, PostgreSQL, Prometheus, Alertmanager and Grafana, and say where they are
	@PROFILES="$(PROFILES)" scripts/stack up

.PHONY: stack-down
stack-down: ## Take the stack down; ARGS=--volumes takes its data along
	@scripts/stack down $(ARGS)

.PHONY: stack-test
stack-test: ## Bring the stack up under another name, look whether it does what it says, take it down
	@scripts/stack-check

.PHONY: deny
deny: ## Licences, bans, sources and advisories with cargo-deny (installs it: about 3 minutes; fetches advisories)
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --version '^0.20' --locked
	cargo deny --locked check
