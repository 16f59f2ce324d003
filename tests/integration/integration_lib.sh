# shellcheck shell=bash disable=SC2034 # used by who sources this
# What the tests of skink-sim share: a folder and a process that go in the end. To be sourced first.
root=${SKINK_SOURCE_DIR:?}
sim=${SKINK_BIN_DIR:?}/skink-sim
work=$(mktemp -d)
pid= # of what runs in the background
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

fail() {
  echo "FAILED: $*"
  exit 1
}
