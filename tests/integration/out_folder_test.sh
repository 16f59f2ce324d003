#!/usr/bin/env bash
# Folders for results: two programs do not write to one; one that cannot be written is found at the start, not after the
# computing; and a checkpoint that cannot be written is said at that moment, once, and in the end.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
cd "$work"
long=("$sim" run "$root/experiments/sine.toml" --quiet --set meta.rounds=100000000)
# refused TEXT COMMAND...: soon, with exit code 8
refused() {
  local text=$1 code=0
  shift
  timeout 20 "$@" >refused.log 2>&1 || code=$?
  [[ $code -eq 8 ]] || fail "exit code $code instead of 8: $*: $(cat refused.log)"
  grep -qE -- "$text" refused.log || fail "no '$text' in the message of: $*: $(cat refused.log)"
}
until_true() {
  local tries=400
  until "$@"; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || return 1
    sleep 0.05
  done
}

# ---- one that cannot be written; nobody can write there, not even root
refused "/proc/.lock: cannot be made" "${long[@]}" --out /proc
refused "/proc/rows.json: cannot be written" "$sim" bench --json /proc/rows.json
refused "/proc/all.json: cannot be written" "$sim" profile "$root/experiments/sine.toml" --json /proc/all.json
"$root/scripts/make-pki" pki --count 0 >/dev/null
cat >coordinator.toml <<END
[coordinator]
experiment = "$root/experiments/sine.toml"
store = "store.db"
out = "/proc"
[broker]
port = 1
ca = "pki/ca.pem"
certificate = "pki/coordinator/cert.pem"
key = "pki/coordinator/key.pem"
[fleet]
name = "demo"
master_key = "pki/master.key"
END
refused "/proc/.lock: cannot be made" "$SKINK_BIN_DIR/skink-coordinator" run --config coordinator.toml

# ---- two at once
"${long[@]}" --checkpoint-rounds 100 --out out >first.log 2>&1 &
pid=$!
until_true test -s out/checkpoint.json || fail "$(cat first.log)"
refused "out: another skink-sim computes here; wait for it or name another --out" "${long[@]}" --set seed=2 --out out
sed -i 's|^out = .*|out = "out"|' coordinator.toml
refused "out: another program writes here" "$SKINK_BIN_DIR/skink-coordinator" run --config coordinator.toml

# ---- a checkpoint that fails
until mkdir out/checkpoint.json.part 2>/dev/null; do :; done # as good as a full disk
until_true grep -q "checkpoint.json: cannot be written: Is a directory; the run goes on without it" first.log ||
  fail "it does not say that the checkpoint fails: $(cat first.log)"
kill -0 "$pid" || fail "it gave the run up"
sleep 0.3
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pid=
[[ $code -eq 8 ]] || fail "exit code $code although a checkpoint is missing: $(cat first.log)"
[[ $(grep -c "the run goes on without it" first.log) -eq 1 ]] || fail "it was said more than once"
[[ $(grep -c "checkpoint.json: cannot be written" first.log) -eq 2 ]] || fail "not said in the end: $(cat first.log)"
echo "refused, or said, in time"
