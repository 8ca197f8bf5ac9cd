#!/usr/bin/env bash
# Runs cargo-deny with the given arguments; installs the pinned version first where it is missing.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
binary=$("$here/cargo-tool.sh" cargo-deny 0.20.2)
exec "$binary" "$@"
