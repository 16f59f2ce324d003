#!/usr/bin/env bash
# The personal example of skink.h, in C: what its user calls the corners is learned from five samples each, without a network, and
# known after a restart on the same flash file.
set -euo pipefail
example=${SKINK_BIN_DIR:?}/skink-personal-example
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}
# expect TEXT ARGUMENT...: all that the example prints
expect() {
  local wanted=$1 said
  shift
  said=$("$example" "$@") || fail "$*: exit code $?: $said"
  [[ $said == "$wanted" ]] || fail "$*: $said"
}

"$SKINK_BIN_DIR/tests/corner_model_program" "$work/model.skm"
expect $'20 of 40 right\nstart 1, 0 samples, the model\'s weights' "$work/model.skm" "$work/flash"
expect $'20 of 40 right\nadapted; 40 of 40 right\nstart 2, 20 samples, its own weights' "$work/model.skm" "$work/flash" teach
expect $'40 of 40 right\nstart 3, 20 samples, its own weights' "$work/model.skm" "$work/flash"
expect $'20 of 40 right\nstart 1, 0 samples, the model\'s weights' "$work/model.skm" "$work/another"

# A kill at any moment of the lesson leaves the device as it was made or as it was taught.
for ((i = 0; i < 20; ++i)); do
  rm -f "$work/torn"
  "$example" "$work/model.skm" "$work/torn" teach >/dev/null &
  sleep "0.$(printf '%03d' $((RANDOM % 250)))"
  kill -KILL $! 2>/dev/null || true
  wait $! 2>/dev/null || true
  said=$("$example" "$work/model.skm" "$work/torn") || fail "after a kill: $said"
  grep -qE '^(20 of 40 right|40 of 40 right)$' <<<"$said" || fail "after a kill: $said"
done

head -c 100 "$work/model.skm" >"$work/short.skm"
code=0
"$example" "$work/short.skm" "$work/fresh" >"$work/said" 2>&1 || code=$?
if [[ $code -ne 1 ]] || ! grep -q "the device: " "$work/said"; then fail "a model file that is cut off: $code $(cat "$work/said")"; fi
echo "20 of 40 right before, 40 after, also after a restart"
