#!/usr/bin/env bash
# Fuzzes targets of the ledger and of the engine's parsers for FUZZ_SECONDS (600) each, one after the
# other, from the corpora that are committed: those that are named, else all. Installs the pinned
# cargo-fuzz where it is missing.
#
# What it finds is kept in the folder `artifacts` beside the targets, and the run fails. New inputs go
# into a cache outside the checkout, so that the committed corpora stay small.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
binary=$("$here/cargo-tool.sh" cargo-fuzz 0.13.1)
# Where the tools are, and what is found between runs.
root="$(dirname "$(dirname "$binary")")"
toolchain="${FUZZ_TOOLCHAIN:-nightly}"
seconds="${FUZZ_SECONDS:-600}"

if ! rustup toolchain list 2> /dev/null | grep -q "^$toolchain"; then
    rustup toolchain install "$toolchain" --profile minimal
fi

export PATH="$root/bin:$PATH"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/fuzz}/fuzz"
asked=("$@")
# Folders, and the most bytes of an input there: the engine's parsers look at a head of 16 KiB and at
# the first frames of what follows; longer ones only cost time.
for place in events/ledger/fuzz:131072 engine/fuzz:24576; do
    longest="${place#*:}"
    folder="$(cd "$here/../${place%:*}" && pwd)"
    cd "$folder"
    mapfile -t known < <(cargo "+$toolchain" fuzz list)
    for target in "${known[@]}"; do
        if [ ${#asked[@]} -gt 0 ] && [[ " ${asked[*]} " != *" $target "* ]]; then
            continue
        fi
        grown="$root/corpus/$target"
        mkdir -p "$grown"
        echo "fuzzing $target for $seconds s"
        # The first folder takes what is new; the others are only read.
        cargo "+$toolchain" fuzz run "$target" "$grown" "$folder/corpus/$target" \
            -- -max_total_time="$seconds" -max_len="$longest" -print_final_stats=1
        fuzzed=" ${fuzzed:-} $target "
    done
done
for target in "${asked[@]}"; do
    if [[ "${fuzzed:-}" != *" $target "* ]]; then
        echo "no target is called $target" >&2
        exit 2
    fi
done
