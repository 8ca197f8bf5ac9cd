# Every command does its own set-up; a second run sets up nothing again.
#
#   make demo    a station on air, from MUSIC=/some/folder or from tracks it synthesises
#   make test    everything that must hold: unit, contract, golden, scenes with real audio
#   make soak    the long forms of the scenes, in real time (GRIMNIR_SOAK=1)
#   make fuzz    damaged bytes against every parser, FUZZ_SECONDS (600) each
#   make bench   figures beside their references, also as target/bench.jsonl
#   make bench-peers  the same of an engine beside Liquidsoap, with the same music
#   make check   format, lints, dependency rules, documents
#   make setup   the system packages of all of these

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/grimnir

# On a CI machine the checkout is thrown away: what was compiled is kept beside it.
ifdef CI
export CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_INCREMENTAL ?= 0
export CARGO_TERM_COLOR ?= never
endif
export CARGO_TARGET_DIR ?= $(CURDIR)/target

# One selection for every command of a profile: another one would compile third-party crates anew
# with other features.
ALL := --workspace --locked
DEMO_DIR ?= demo
MUSIC ?=
# It goes in as a flag; an empty variable would be taken for a folder.
unexport MUSIC

.PHONY: help setup demo test soak fuzz bench bench-peers check fmt clippy deny doc

help:
	@sed -n 's/^#   make/make/p' $(firstword $(MAKEFILE_LIST))

setup:
	@deploy/setup.sh build run test

# exec, so that Ctrl-C reaches the station itself and its exit code is ours.
demo:
	@deploy/setup.sh build run
	@cargo build --release $(ALL) --bin grimnir --bin grimnir-engine
	@exec "$$CARGO_TARGET_DIR/release/grimnir" demo --data "$(DEMO_DIR)" \
		$(if $(MUSIC),--music "$(MUSIC)")

test: export GRIMNIR_BIN_DIR := $(CARGO_TARGET_DIR)/debug
test:
	@deploy/setup.sh build run test
	cargo build $(ALL) --all-targets
	cargo test $(ALL)

# SCENE narrows it to the scenes whose name contains it.
soak: export GRIMNIR_BIN_DIR := $(CARGO_TARGET_DIR)/debug
soak: export GRIMNIR_SOAK := 1
soak:
	@deploy/setup.sh build run test
	cargo build $(ALL) --all-targets
	$(if $(SCENE),,cargo test $(ALL) --test power --test crash --test mutation \
		--test memory --test jetstream_crash)
	$(if $(SCENE),,cargo test $(ALL) --test many -- --nocapture)
	cargo test $(ALL) --test scenes -- --nocapture --test-threads=1 $(SCENE)

# FUZZ narrows it to the targets it names.
fuzz:
	@deploy/setup.sh build
	deploy/fuzz.sh $(FUZZ)

bench: export GRIMNIR_BIN_DIR := $(CARGO_TARGET_DIR)/release
bench: export GRIMNIR_BENCH_OUT := $(CURDIR)/target/bench.jsonl
bench:
	@deploy/setup.sh build run test
	@mkdir -p target && : > "$$GRIMNIR_BENCH_OUT"
	cargo build --release $(ALL) --bins --bench '*'
	cargo bench $(ALL) --bench '[!p]*' --bench 'p[!e]*'
	@echo "$$(wc -l < "$$GRIMNIR_BENCH_OUT") figures in target/bench.jsonl"

# PART narrows it to the parts it names: cost, three, hands, capacity, start.
bench-peers: export GRIMNIR_BIN_DIR := $(CARGO_TARGET_DIR)/release
bench-peers: export GRIMNIR_BENCH_OUT := $(CURDIR)/target/bench-peers.jsonl
bench-peers:
	@deploy/setup.sh build run test
	@mkdir -p target && : > "$$GRIMNIR_BENCH_OUT"
	cargo build --release $(ALL) --bins --bench peers
	cargo bench $(ALL) --bench peers -- $(PART)
	@echo "$$(wc -l < "$$GRIMNIR_BENCH_OUT") figures in target/bench-peers.jsonl"

check: fmt clippy deny doc

fmt:
	cargo fmt --all --check

clippy:
	@deploy/setup.sh build
	cargo clippy $(ALL) --all-targets -- -D warnings

deny:
	@deploy/setup.sh build
	deploy/deny.sh --locked check bans licenses sources

doc: export RUSTDOCFLAGS := -D warnings
doc:
	@deploy/setup.sh build
	cargo doc $(ALL) --no-deps
