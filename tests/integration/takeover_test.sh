#!/usr/bin/env bash
# One device of the fleet is hostile: with its own certificate it connects again and again under the client ids of
# another device and of the coordinator, which a broker that trusts the id in CONNECT answers by closing their
# connections. Nobody loses a connection, and the run goes on.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "client ids of others over a broker"

fail() {
  echo "FAILED: $*"
  tail -n 20 "$coordinator_log" "$fleet_work/run/edge.log"
  exit 1
}

fleet_begin 4
file=$fleet_root/experiments/sine.toml
settings=(--set meta.rounds=1000000 --set fleet.devices=3 --set fleet.held_out=0 --set meta.cohort=2
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=4000)
fleet_configure run "$file"
coordinator_log=$fleet_work/run/coordinator.log
"$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$fleet_work/pki" \
  --count 3 --verbose "${settings[@]}" >"$fleet_work/run/edge.log" 2>&1 &
fleet_edge_pid=$!
fleet_pids+=("$fleet_edge_pid")
fleet_start_coordinator run "${settings[@]}" 2>"$coordinator_log"
rounds_done() { "$fleet_bin/skinkctl" status --store "$fleet_work/run/store.db" 2>/dev/null | awk '/^rounds/ {print $2}'; }
for ((tries = 600; tries > 0; --tries)); do
  [[ $(rounds_done || true) -lt 5 ]] || break
  sleep 0.05
done
[[ $(rounds_done) -ge 5 ]] || fail "the devices do not learn"

# attack ID: device-003's certificate, somebody else's id. The broker may refuse it or take it for device-003.
keys=$fleet_work/pki/devices/device-003
attack() {
  timeout 5 mosquitto_pub -h 127.0.0.1 -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$keys/cert.pem" \
    --key "$keys/key.pem" -i "$1" -t skink/1/demo/dev/device-003/update -n >>"$fleet_work/attack.log" 2>&1 || true
}
before=$(rounds_done)
for ((i = 0; i < 40; ++i)); do
  for id in device-000 device-001 coordinator skink-coordinator-demo; do attack "$id"; done
done
after=$(rounds_done)
kill -0 "$fleet_coordinator_pid" "$fleet_edge_pid" || fail "a program ended"
[[ $after -gt $((before + 20)) ]] || fail "the run stood still: $before rounds before, $after after the attack"
[[ $(grep -c "connected to the broker" "$coordinator_log") -eq 1 ]] || fail "the coordinator was cut off"
if grep -q "lost the connection" "$coordinator_log" "$fleet_work/run/edge.log"; then fail "somebody was cut off"; fi
echo "160 attacks, nobody was cut off: $before rounds before, $after after"
