#!/usr/bin/env bash
# Fuzzes targets of the ledger for FUZZ_SECONDS (600) each, one after the other, from the corpus that
# is committed: those that are named, else all. Installs the pinned cargo-fuzz where it is missing.
#
# What it finds is kept in the targets' folder `artifacts`, and the run fails. New inputs go into a
# cache outside the checkout, so that the committed corpus stays small.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
binary=$("$here/cargo-tool.sh" cargo-fuzz 0.13.1)
# Where the tools are, and what is found between runs.
root="$(dirname "$(dirname "$binary")")"
toolchain="${FUZZ_TOOLCHAIN:-nightly}"
folder="$(cd "$here/../events/ledger/fuzz" && pwd)"

if ! rustup toolchain list 2> /dev/null | grep -q "^$toolchain"; then
    rustup toolchain install "$toolchain" --profile minimal
fi

export PATH="$root/bin:$PATH"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/fuzz}/fuzz"
cd "$folder"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cargo "+$toolchain" fuzz list)
fi
for target in "${targets[@]}"; do
    grown="$root/corpus/$target"
    mkdir -p "$grown"
    echo "fuzzing $target for ${FUZZ_SECONDS:-600} s"
    # The first folder takes what is new; the others are only read.
    cargo "+$toolchain" fuzz run "$target" "$grown" "$folder/corpus/$target" \
        -- -max_total_time="${FUZZ_SECONDS:-600}" -max_len=131072 -print_final_stats=1
done
