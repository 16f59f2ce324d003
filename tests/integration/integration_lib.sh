# shellcheck shell=bash disable=SC2034 # used by who sources this
# What the tests of skink-sim share: a folder and a process that go in the end. To be sourced first.
root=${SKINK_SOURCE_DIR:?}
sim=${SKINK_BIN_DIR:?}/skink-sim
work=$(mktemp -d)
pid= # of what runs in the background
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# kill_after SECONDS COMMAND...: in the background, until it is killed.
kill_after() {
  local seconds=$1
  shift
  "$@" >"$work/log" 2>&1 &
  pid=$!
  sleep "$seconds"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  pid=
}

fail() {
  echo "FAILED: $*"
  exit 1
}
