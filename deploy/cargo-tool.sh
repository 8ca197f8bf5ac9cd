#!/usr/bin/env bash
# Installs a cargo tool in the version given where it is missing, and prints the path of its binary.
#
#   deploy/cargo-tool.sh cargo-deny 0.20.2
#
# It is kept outside the checkout, so that it is built once per machine. It is compiled cheaply: it
# runs for a second, and optimising it would cost minutes.
set -euo pipefail

tool=$1 version=$2
root="${GRIMNIR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/grimnir/tools}"
binary="$root/bin/$tool"

found=$("$binary" --version 2> /dev/null || true)
if [ "$found" != "$tool $version" ]; then
    echo "Installing $tool $version into $root" >&2
    env -u RUSTFLAGS \
        CARGO_TARGET_DIR="$root/build" \
        CARGO_INCREMENTAL=0 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_DEBUG=0 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install "$tool" --locked --version "$version" --root "$root" --force --quiet >&2
    rm -rf "$root/build"
fi
echo "$binary"
