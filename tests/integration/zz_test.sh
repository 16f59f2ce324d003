#!/usr/bin/env bash
# What goes wrong in fleets, with real processes: a state folder restored from a copy goes on with devices that are further, and ends
# with the simulator's model; a device whose sensor is twenty times too large is named and spoils nothing; one that hangs
# costs a deadline, not one each time; one that is excluded is asked for nothing.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "a troubled fleet"
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=12 --set fleet.held_out=3 --set fleet.hold_out=last --set meta.cohort=4 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=60 --set fleet.offline_ms=20000 --set fleet.deadline_ms=20000 --set meta.clip_factor=3)
sim=$fleet_bin/skink-sim
ctl=$fleet_bin/skinkctl
out=$fleet_work
unset SKINK_URL SKINK_TOKEN_FILE
export SKINK_SOCKET=$out/state/api.sock

field() {
  local expression=$1
  shift
  "$@" --json | /usr/bin/python3 -c "import json, sys; it = json.load(sys.stdin); print($expression)"
}
queue() { field 'it["number"]' "$ctl" runs queue "$file" "${settings[@]}" "$@"; }
rounds_done() { "$ctl" runs show "$1" | awk '/^rounds_done/ {print $2}'; }
# wait_for TEXT COMMAND...: until it prints the text
wait_for() {
  local text=$1 i
  shift
  for ((i = 0; i < 300; i++)); do
    [[ $("$@" 2>/dev/null) != "$text" ]] || return 0
    sleep 0.1
  done
  fail "not '$text' in 30 s, of $*: $("$@" 2>&1); $(tail -5 "$out/service.log")"
}
# reaches RUN ROUNDS
reaches() {
  local i
  for ((i = 0; i < 600; i++)); do
    [[ $(rounds_done "$1") -lt $2 ]] || return 0
    sleep 0.05
  done
  fail "run $1 is at round $(rounds_done "$1"), not $2: $("$ctl" status); $("$ctl" events | tail -5)"
}
events_of() { "$ctl" events | grep -c -- "$1" || true; }
model_of() { field "[m['sha256'] for m in it['items'] if m['run'] == $1][0]" "$ctl" models; }
ends_as() {
  "$ctl" runs wait "$1" --timeout 90 >"$out/said" 2>&1 || fail "run $1: $(cat "$out/said"); $("$ctl" events | tail -5)"
  [[ $(model_of "$1") == "$(summary_field "$out/$2/summary.json" model_sha256)" ]] || fail "run $1 ends with another model than $2"
}

"$sim" run "$file" "${settings[@]}" --set meta.rounds=1500 --out "$out/clean" --quiet >"$out/log"

fleet_begin 12
mkdir "$out/edge"
fleet_configure_service "[]"
fleet_start_service 2>"$out/service.log"
wait_for True field 'it["broker_connected"]' "$ctl" status
fleet_start_edge edge "$file" 8 "${settings[@]}"
fleet_start_edge edge "$file" 3 --first 9 "${settings[@]}"
odd=device-008  # trains
start_odd() {   # ARGUMENT...
  "$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$out/pki" \
    --id "$odd" "${settings[@]}" --quiet "$@" >>"$out/edge/edge.log" 2>&1 &
  odd_pid=$!
  fleet_pids+=("$odd_pid")
}
start_odd
wait_for 12 field 'it["devices_online"]' "$ctl" status

fleet_stop_one "$odd_pid"
start_odd --set 'task.amplitude=[2.0, 100.0]'
wait_for 12 field 'it["devices_online"]' "$ctl" status

for seed in 1 2 3; do
  "$sim" run "$file" "${settings[@]}" --set evaluation.final_tasks=400 --set meta.rounds=5000 --set seed=$seed --out "$out/c$seed" --quiet >"$out/log"
  for f in 3 0; do
  run=$(queue --set meta.rounds=5000 --set seed=$seed --set evaluation.final_tasks=400 --set meta.clip_factor=$f)
  "$ctl" runs wait "$run" --timeout 200 >"$out/said" 2>&1 || cat "$out/said"
  echo $seed $f $(summary_field "$out/c$seed/summary.json" query_loss_after)  $(summary_field "$out/state/runs/$run/summary.json" query_loss_after)
  done
done
