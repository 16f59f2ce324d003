#!/usr/bin/env bash
# What a run leaves at the broker: nothing, however it ends. And the broker's memory does not grow with rounds, since the
# names of models come again.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "what a run leaves at the broker"

file=$fleet_root/experiments/sine.toml
settings=(--set meta.rounds=1000000 --set fleet.devices=4 --set fleet.held_out=0 --set meta.cohort=2 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=4000)
fleet_begin 4

# The names of the chunks that the broker keeps.
retained() {
  mosquitto_sub -h 127.0.0.1 -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$fleet_work/pki/watcher/cert.pem" \
    --key "$fleet_work/pki/watcher/key.pem" --retained-only -W 1 -t 'skink/1/demo/model/#' -F %t 2>"$fleet_work/watcher.log" || true
}
expect_nothing() {
  local left
  left=$(retained)
  [[ -z $left ]] || fail "after $1 the broker keeps: $left"
  echo "after $1: nothing left"
}
rounds_done() { "$fleet_bin/skinkctl" status --store "$fleet_work/run/store.db" 2>/dev/null | awk '/^rounds/ {print $2}'; }
until_round() {
  for ((tries = 1200; tries > 0; --tries)); do
    [[ $(rounds_done || true) -lt $1 ]] || return 0
    sleep 0.05
  done
  fail "round $1 does not come"
}
# Something is there most of the time, but not in the moment between two models.
expect_something() {
  for ((tries = 20; tries > 0; --tries)); do
    [[ -z $(retained) ]] || return 0
  done
  fail "$1"
}
# stop SIGNAL: the coordinator, which ends
stop() {
  kill "-$1" "$fleet_coordinator_pid"
  wait "$fleet_coordinator_pid" 2>/dev/null || true
}

# One certificate is one client: the coordinator's own would end its connection. The access list lets a device read models.
cp -r "$fleet_work/pki/devices/device-003" "$fleet_work/pki/watcher"
fleet_configure run "$file"
"$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$fleet_work/pki" \
  --count 3 --quiet "${settings[@]}" >"$fleet_work/run/edge.log" 2>&1 &
fleet_edge_pid=$!
fleet_pids+=("$fleet_edge_pid")
settings+=(--set fleet.devices=3)

fleet_start_coordinator run "${settings[@]}"
until_round 5
expect_something "the test sees nothing while a run is on"
stop TERM
expect_nothing "a stop"

for ((kills = 20; kills > 0; --kills)); do # until one comes while the broker keeps something
  before=$(rounds_done)
  fleet_start_coordinator run "${settings[@]}"
  until_round $((before + 1))
  stop KILL
  [[ -z $(retained) ]] || break
done
[[ -n $(retained) ]] || fail "no kill leaves anything: this test shows nothing"
rm -rf "$fleet_work"/run/store.db* "$fleet_work"/run/fleet
# The run is given up; the next one has another store and knows nothing of it.
fleet_start_coordinator run "${settings[@]}" --set meta.rounds=30
fleet_wait_for_coordinator run || fail "the run does not finish"
expect_nothing "a run that was given up, and another that finished"

rm -rf "$fleet_work"/run/store.db* "$fleet_work"/run/fleet
fleet_start_coordinator run "${settings[@]}" --set meta.rounds=300
until_round 10
stop KILL
fleet_start_coordinator run "${settings[@]}" --set meta.rounds=300
fleet_wait_for_coordinator run || fail "the run does not finish"
expect_nothing "a kill and the rest of the run"

# Killed between the last commit and what it permits: the next start only clears.
sqlite3 "$fleet_work/run/store.db" "DELETE FROM meta WHERE key = 'cleared'" 2>/dev/null ||
  /usr/bin/python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute("DELETE FROM meta WHERE key = ?", ("cleared",)); c.commit()' \
    "$fleet_work/run/store.db"
home=$fleet_work/pki/coordinator
for chunk in 0 7; do
  mosquitto_pub -h 127.0.0.1 -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$home/cert.pem" --key "$home/key.pem" \
    -q 1 -r -t "skink/1/demo/model/1/$chunk" -m left
done
fleet_start_coordinator run "${settings[@]}" --set meta.rounds=300
fleet_wait_for_coordinator run || fail "a finished run does not end"
expect_nothing "a kill after the last commit"

# ---- memory over rounds, with kills ----
resident() { awk '/^VmRSS/ {print $2}' "/proc/$fleet_broker_pid/status"; }
rm -rf "$fleet_work"/run/store.db* "$fleet_work"/run/fleet
rounds=${SKINK_ROUNDS:-1500}
first=0
for ((part = 1; part <= 3; ++part)); do
  fleet_start_coordinator run "${settings[@]}"
  until_round $((rounds * part / 3))
  stop KILL
  echo "round $(rounds_done): the broker has $(resident) KB"
  [[ $first -ne 0 ]] || first=$(resident)
done
grown=$(($(resident) - first))
# One kilobyte a round, as names that never came again took, would be two thirds of the rounds.
[[ $grown -lt $((rounds / 6)) ]] || fail "the broker has grown by $grown KB over the last $((rounds * 2 / 3)) rounds"
