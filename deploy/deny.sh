#!/usr/bin/env bash
# Runs cargo-deny with the given arguments; installs the pinned version first where it is missing.
#
# The binary is kept outside the checkout, so that it is built once per machine. It is compiled
# cheaply: it runs for a second, and optimising it would cost minutes.
set -euo pipefail

version=0.20.2
root="${GRIMNIR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/grimnir/tools}"
binary="$root/bin/cargo-deny"

found=$("$binary" --version 2> /dev/null || true)
if [ "$found" != "cargo-deny $version" ]; then
    echo "Installing cargo-deny $version into $root"
    env -u RUSTFLAGS \
        CARGO_TARGET_DIR="$root/build" \
        CARGO_INCREMENTAL=0 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_DEBUG=0 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install cargo-deny --locked --version "$version" --root "$root" --force --quiet
    rm -rf "$root/build"
fi
exec "$binary" "$@"
