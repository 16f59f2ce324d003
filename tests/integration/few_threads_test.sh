#!/usr/bin/env bash
# Where the system gives fewer threads than wanted (ulimit -u, a container's or a batch system's limit), programs compute
# with those, to the same result, or say what is wrong. They never abort.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
if [[ -n ${SKINK_SANITIZE:-} ]]; then
  echo "SKIPPED: few threads: programs with a sanitizer cannot be told how many"
  exit 0
fi
preload=$SKINK_BIN_DIR/tests/libskink_few_threads.so
[[ -f $preload ]] || fail "$preload is not built"
# few THREADS COMMAND...: the process may start so many
few() {
  local threads=$1
  shift
  timeout 60 env LD_PRELOAD="$preload" SKINK_THREADS="$threads" "$@"
}

run=("$sim" run "$root/experiments/sine.toml" --quiet --set meta.rounds=40 --set meta.cohort=8 --threads 16)
"${run[@]}" --out "$work/many" >/dev/null
for threads in 0 1 5; do
  few "$threads" "${run[@]}" --out "$work/few" >"$work/log" 2>&1 || fail "with $threads threads: $? $(cat "$work/log")"
  cmp "$work/many/model.skm" "$work/few/model.skm" || fail "another model with $threads threads"
done
few 1 "$sim" sweep "$root/experiments/sine.toml" --quiet --set meta.rounds=2 --set evaluation.every=0 --seeds 4 --threads 8 \
  --out "$work/sweep" >"$work/log" 2>&1 || fail "sweep: $? $(cat "$work/log")"

# Programs with a connection: nobody is at that port, which takes another thread to find out. All at once, for Paho
# waits ten seconds in the end for threads that it did not get.
"$root/scripts/make-pki" "$work/pki" --count 3 >/dev/null
cat >"$work/coordinator.toml" <<END
[coordinator]
experiment = "$root/experiments/sine.toml"
store = "$work/store.db"
[broker]
host = "127.0.0.1"
port = 1
ca = "$work/pki/ca.pem"
certificate = "$work/pki/coordinator/cert.pem"
key = "$work/pki/coordinator/key.pem"
[fleet]
name = "demo"
master_key = "$work/pki/master.key"
END
edge() {
  local code=0
  few "$1" "$SKINK_BIN_DIR/skink-edge" --experiment "$root/experiments/sine.toml" --broker 127.0.0.1:1 --fleet demo \
    --identity "$work/pki" --count 3 --threads 8 --connect-timeout 2 >"$work/edge$1" 2>&1 || code=$?
  [[ $code -eq 6 ]] || fail "skink-edge with $1 threads: exit code $code, $(cat "$work/edge$1")"
  grep -q "no connection within" "$work/edge$1" || fail "$(cat "$work/edge$1")"
}
coordinator() {
  local code=0
  sed "s|^store = .*|store = \"$work/store$1.db\"|" "$work/coordinator.toml" >"$work/coordinator$1.toml"
  few "$1" timeout -s TERM 2 "$SKINK_BIN_DIR/skink-coordinator" run --config "$work/coordinator$1.toml" >"$work/log$1" 2>&1 ||
    code=$?
  [[ $code -eq 124 ]] || fail "skink-coordinator with $1 threads: exit code $code, $(cat "$work/log$1")"
}
programs=()
for threads in 0 1 2 3; do
  edge "$threads" &
  programs+=("$!")
  coordinator "$threads" &
  programs+=("$!")
done
for program in "${programs[@]}"; do wait "$program" || fail "see above"; done
echo "computed with fewer threads, to the same model"
