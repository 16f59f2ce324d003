#!/usr/bin/env bash
# One device of a fleet, with its valid certificate, publishes to its update topic as fast as it can while a run goes on: within a
# minute the service names it and says what to do, rounds go on, and after its revocation nothing that it sends is looked at.
# What it costs the broker: flood_test.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "a device that floods"
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=9 --set fleet.held_out=0 --set meta.cohort=3 --set evaluation.every=0 --set evaluation.tasks=0
  --set evaluation.final_tasks=0 --set fleet.offline_ms=500)
# shellcheck source=tests/integration/service_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/service_lib.sh"
wait_s=60
flooder=device-008

# goes_on RUN: twenty rounds more, within 60 s
goes_on() {
  local i until=$(($(rounds_done "$1") + 20))
  for ((i = 0; i < 600; i++)); do
    [[ $(rounds_done "$1") -lt $until ]] || return 0
    sleep 0.1
  done
  fail "run $1 does not go on: $("$ctl" status); $("$ctl" events | tail -5)"
}
is_named() { [[ $(events_of "error.*device.flooding.*$flooder") == 0 ]] || echo yes; }

fleet_begin 9
mkdir "$out/edge"
fleet_configure_service "[]"
fleet_start_service 2>"$out/service.log"
wait_for True field 'it["broker_connected"]' "$ctl" status
fleet_start_edge edge "$file" 8 "${settings[@]}"
fleet_start_edge edge "$file" 1 --first 8 "${settings[@]}"
wait_for 9 field 'it["devices_online"]' "$ctl" status
run=$(queue --set meta.rounds=1000000)
goes_on "$run"

# Its key is somebody else's now, who sends 4,000 messages a second: ten times what a device may, and no load for the machine.
fleet_stop_one "$fleet_edge_pid"
printf '%.0sno update\n' {1..400} >"$out/lines"
# shellcheck disable=SC2016 # expanded by the shell that is started
setsid bash -c 'while sleep 0.1; do cat "$4"; done | mosquitto_pub -h 127.0.0.1 -p "$1" --cafile "$2/ca.pem" --cert "$2/devices/$3/cert.pem" \
  --key "$2/devices/$3/key.pem" -q 0 -l -t "skink/1/demo/dev/$3/update"' _ "$fleet_port" "$out/pki" "$flooder" "$out/lines" >"$out/flood.log" 2>&1 &
flood=$!
trap 'kill -TERM -- "-$flood" 2>/dev/null || true; wait "$flood" 2>/dev/null || true; fleet_stop; rm -rf "$fleet_work"' EXIT
began=$SECONDS
wait_for yes is_named
named_s=$((SECONDS - began))
"$ctl" events | grep -qF "\`skinkctl devices revoke $flooder\` puts it out of the fleet" ||
  fail "nothing says what to do: $("$ctl" events | grep flooding)"
goes_on "$run"
kill -0 "$flood" || fail "the flood has ended by itself: $(cat "$out/flood.log")"
echo "a device that floods is named after $named_s s, and rounds go on"

"$ctl" devices revoke "$flooder" >"$out/log"
wait_for True field 'it["revoked"]' "$ctl" devices show "$flooder"
goes_on "$run"
[[ $(field '[d["id"] for d in it["items"] if d["revoked"]]' "$ctl" devices) == "['$flooder']" ]] || fail "devices: $("$ctl" devices)"
kill -0 "$flood" || fail "the flood has ended by itself: $(cat "$out/flood.log")"
"$ctl" runs stop "$run" >"$out/log"
wait_for stopped field 'it["phase"]' "$ctl" runs show "$run"
"$sim" replay "$out/state/runs/$run/store.db" --quiet >"$out/log" || fail "the store cannot be replayed: $(cat "$out/log")"
echo "revoked: rounds go on under the flood, and the run's store replays"
