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
# shellcheck source=tests/integration/service_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/service_lib.sh"
wait_s=30
end_s=90

# reaches RUN ROUNDS
reaches() {
  local i
  for ((i = 0; i < 600; i++)); do
    [[ $(rounds_done "$1") -lt $2 ]] || return 0
    sleep 0.05
  done
  fail "run $1 is at round $(rounds_done "$1"), not $2: $("$ctl" status); $("$ctl" events | tail -5)"
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

# ---- a restored backup
run=$(queue --set meta.rounds=1500)
reaches "$run" 100
# The run's store is copied first: what the fleet's says of runs may be newer, never older.
mkdir -p "$out/copy/runs/$run"
sqlite3 "$out/state/runs/$run/store.db" ".backup '$out/copy/runs/$run/store.db'"
sqlite3 "$out/state/fleet.db" ".backup '$out/copy/fleet.db'"
reaches "$run" 500
kill -9 "$fleet_service_pid"
wait "$fleet_service_pid" 2>/dev/null || true
rm -r "$out/state"
mv "$out/copy" "$out/state"
fleet_start_service 2>>"$out/service.log"
wait_for True field 'it["broker_connected"]' "$ctl" status
ends_as "$run" clean
[[ $(events_of run.renumbered) -ge 1 ]] || fail "nothing says that the run has another number: $("$ctl" events)"
"$sim" replay "$out/state/runs/$run/store.db" --quiet >"$out/log" ||
  fail "the store cannot be replayed: $(cat "$out/log")"
echo "a state folder of before goes on, and ends with the simulator's model"

# ---- releases of a restored backup: devices keep release 3, the store knows of 1
"$ctl" releases add 1 >"$out/log"
wait_for 12 field 'sum(d["release"] == 1 for d in it["items"])' "$ctl" devices
sqlite3 "$out/state/fleet.db" ".backup '$out/before.db'"
"$ctl" releases add 1 >"$out/log"
"$ctl" releases add 1 >"$out/log"
wait_for 12 field 'sum(d["release"] == 3 for d in it["items"])' "$ctl" devices
fleet_stop_one "$fleet_service_pid"
rm -f "$out"/state/fleet.db*
cp "$out/before.db" "$out/state/fleet.db"
fleet_start_service 2>>"$out/service.log"
wait_for 12 field 'sum(d["release"] == 4 for d in it["items"])' "$ctl" devices
echo "devices that keep later releases than the store knows get what is released, under a number above them"

# ---- a device that hangs
run=$(queue --set meta.rounds=400 --set fleet.deadline_ms=1500 --set fleet.offline_ms=1000)
reaches "$run" 40
kill -STOP "$odd_pid"
reaches "$run" 399
"$ctl" runs wait "$run" --timeout 60 >"$out/said" 2>&1 || fail "$(cat "$out/said")"
kill -CONT "$odd_pid"
misses=$(field 'it["misses"]' "$ctl" devices show "$odd")
[[ $misses -ge 1 && $misses -le 3 ]] || fail "$odd has missed $misses deadlines"
# It had sent nothing, or a part of its change: "no answer in time" or "not ready in time".
named=$(sqlite3 "file:$out/state/fleet.db?mode=ro" "SELECT count(*) FROM events WHERE text LIKE '%$odd: no% in time; not asked again for 6 s%'")
[[ $named -ge 1 ]] || fail "no event names it: $("$ctl" events | tail)"
said=$(sqlite3 "file:$out/state/fleet.db?mode=ro" "SELECT count(*) FROM events WHERE run = $run AND text LIKE '%$odd: at rest%'")
[[ $said -le 3 ]] || fail "it is said $said times that $odd is at rest: $("$ctl" events --device "$odd")"
echo "a device that hangs costs $misses deadlines of 360 rounds, and is named"

# ---- a sensor that is twenty times too large
fleet_stop_one "$odd_pid"
start_odd --set 'task.amplitude=[2.0, 100.0]'
wait_for 12 field 'it["devices_online"]' "$ctl" status
run=$(queue --set meta.rounds=1500 --set seed=1)
"$ctl" runs wait "$run" --timeout 90 >"$out/said" 2>&1 || fail "$(cat "$out/said")"
clean=$(summary_field "$out/clean/summary.json" query_loss_after)
spoilt=$(summary_field "$out/state/runs/$run/summary.json" query_loss_after)
/usr/bin/python3 -c "import sys; sys.exit($spoilt > 2 * $clean)" || fail "one odd device moves the loss from $clean to $spoilt"
[[ $(events_of "device.suspect.*$odd") == 1 ]] || fail "the odd device is not named: $("$ctl" events | tail)"
echo "a device that is twenty times too large is named, and moves the loss after adaptation from $clean to $spoilt"

# ---- and is excluded
run=$(queue --set meta.rounds=50000)
reaches "$run" 20
"$ctl" devices exclude "$odd" >"$out/log"
sleep 1.5  # what it did is written within a second
before=$(field 'it["updates"]' "$ctl" devices show "$odd")
reaches "$run" $(($(rounds_done "$run") + 100))
sleep 1.2
after=$(field 'it["updates"]' "$ctl" devices show "$odd")
[[ $after == "$before" ]] || fail "an excluded device is asked: $before, $after updates"
"$ctl" devices include "$odd" >"$out/log"
for ((i = 0; i < 100; i++)); do
  [[ $(field 'it["updates"]' "$ctl" devices show "$odd") == "$after" ]] || break
  sleep 0.1
done
[[ $i -lt 100 ]] || fail "a device that may take part again is not asked"
"$ctl" runs stop "$run" >"$out/log"
echo "an excluded device is asked for nothing, in a run that goes on, until it is included again"

# ---- a device whose key is of another fleet
fleet_stop_one "$odd_pid"
key=$(find "$out/pki/devices/$odd" -name '*hmac*')
[[ -f $key ]] || fail "no key of $odd: $(ls "$out/pki/devices/$odd")"
cp "$key" "$out/kept.key"
tr 0-9a-f 1-9a-f0 <"$out/kept.key" >"$key"
start_odd
for ((i = 0; i < 100; i++)); do
  [[ $(events_of "device.refused.*$odd: its birth is refused, wrong_authentication") == 0 ]] || break
  sleep 0.1
done
[[ $i -lt 100 ]] || fail "nothing says that a key is wrong: $("$ctl" events | tail -5)"
cp "$out/kept.key" "$key"
echo "a device whose key is of another fleet is named"
