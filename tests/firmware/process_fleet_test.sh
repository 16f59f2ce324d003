#!/usr/bin/env bash
# The embedded device as a process, with its flash in a file and sockets of this machine: four of them beside host clients end a
# run with the simulator's hash. One is killed (-9) again and again, and goes on from its flash; a release is kept over that.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "devices as processes"
if ! /usr/bin/python3 -c 'import numpy, paho.mqtt.client' 2>/dev/null; then
  echo "SKIPPED: devices as processes: python3-numpy or python3-paho-mqtt is not installed"
  exit 0
fi

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=12 --set fleet.held_out=2 --set meta.cohort=10 --set meta.rounds=40 --set evaluation.every=20
  --set evaluation.tasks=8 --set evaluation.final_tasks=16 --set fleet.deadline_ms=600000 --set fleet.offline_ms=600000)
fleet_begin 8
fleet_configure run "$file"

# announce ARGUMENT...: what the birth of proc-0 must say after it
announce() {
  "$SKINK_PYTHON" "$fleet_root/tests/support/announce_release.py" --port "$fleet_port" --pki "$fleet_work/pki" --id proc-0 "$@" ||
    { cat "$fleet_work/run/proc-0.log" && fail "the birth does not say $*"; }
}
# killed ID PID: the process, as a power failure would end it, and started again; in fleet_process_pid
killed() {
  kill -KILL "$2"
  fleet_stop_one "$2"
  fleet_restart_process run "$1"
}

"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/processes" --id proc-0 \
  --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null # makes the release key too
"$fleet_bin/skink-sim" run "$file" --set meta.rounds=3 --set evaluation.final_tasks=0 --set evaluation.every=0 \
  --out "$fleet_work/model" --quiet >/dev/null
"$fleet_bin/skinkctl" release sign --pki "$fleet_work/pki" --model "$fleet_work/model/model.skm" --name sine --number 3 \
  --out "$fleet_work/3.release" >/dev/null

# The roster is sorted: device-000 .. device-007, proc-0 .. proc-3.
fleet_start_process run proc-0 "$file" 8 "${settings[@]}" >"$fleet_work/recorded.txt"
victim=$fleet_process_pid
grep -q training "$fleet_work/recorded.txt" || fail "proc-0 must train; choose another seed"
announce --expect takes_releases=1 release=0
announce --release "$fleet_work/3.release" --flip 100 --expect release=0 release_refused=3 release_reason=WRONG_SIGNATURE
announce --release "$fleet_work/3.release" --expect release=3 release_refused=0
killed proc-0 "$victim"
victim=$fleet_process_pid
announce --expect release=3
grep -q "start 2, release 3" "$fleet_work/run/proc-0.log" || fail "the release is not in flash: $(cat "$fleet_work/run/proc-0.log")"

code=0
timeout 10 "$fleet_bin/skink-device" --identity "$fleet_work/processes/proc-0.bin" --recording "$fleet_work/run/proc-0.samples" \
  --flash "$fleet_work/run/proc-0.flash" >"$fleet_work/second.log" 2>&1 || code=$?
[[ $code -eq 1 ]] || fail "a second process on the same flash ended with $code: $(cat "$fleet_work/second.log")"

# A broker with another name, and a device whose certificate another CA signed: nothing but the connection fails.
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/named" --id proc-9 \
  --broker "127.0.0.1:$fleet_port" --server-name elsewhere.example >/dev/null
"$fleet_root/scripts/make-pki" "$fleet_work/other" --count 0 --fleet demo >/dev/null
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/other" --out "$fleet_work/foreign" --id proc-9 \
  --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
for case in "named:for another host name" "foreign:not from this fleet's CA"; do
  timeout 3 "$fleet_bin/skink-device" --identity "$fleet_work/${case%%:*}/proc-9.bin" --recording "$fleet_work/run/proc-0.samples" \
    --flash "$fleet_work/${case%%:*}.flash" >"$fleet_work/${case%%:*}.log" 2>&1 || true
  grep -q "${case#*:}" "$fleet_work/${case%%:*}.log" || fail "$case: $(cat "$fleet_work/${case%%:*}.log")"
done

fleet_start_edge run "$file" 8 "${settings[@]}"
for i in 1 2 3; do fleet_start_process run "proc-$i" "$file" $((8 + i)) "${settings[@]}" >/dev/null; done
fleet_start_coordinator run "${settings[@]}" --updates "$fleet_work/fleet.csv"
kills=0
for moment in 0.6 0.5 0.7 0.6; do
  sleep "$moment"
  kill -0 "$fleet_coordinator_pid" 2>/dev/null || break
  killed proc-0 "$victim"
  victim=$fleet_process_pid
  kills=$((kills + 1))
done
if ! fleet_wait_for_coordinator run; then
  tail -n 20 "$fleet_work"/run/proc-*.log
  fail "the run did not end"
fi
[[ $kills -gt 0 ]] || fail "the run was over before it was disturbed"
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/simulator" --quiet >/dev/null
fleet=$(summary_field "$fleet_work/run/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/simulator/summary.json" model_sha256)
echo "$kills kills in the run: fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
"$fleet_bin/skink-sim" replay "$fleet_work/run/store.db" --updates "$fleet_work/simulator.csv" --quiet
[[ $(grep -c ",proc-" "$fleet_work/fleet.csv") -ge 20 ]] || fail "the processes sent too few updates to compare"
diff <(sort -u "$fleet_work/fleet.csv") <(sort -u "$fleet_work/simulator.csv") || fail "updates differ from the simulator's"
for i in 0 1 2 3; do
  grep -qE "round [0-9]+: accepted" "$fleet_work/run/proc-$i.log" || fail "proc-$i did nothing: $(cat "$fleet_work/run/proc-$i.log")"
done
grep "^proc-0 of fleet" "$fleet_work/run/proc-0.log" | tail -n 1 | grep -q "release 3, has a model" ||
  fail "the last start has no release, or no model"
echo "$(grep -c ",proc-" "$fleet_work/fleet.csv") updates of processes are the simulator's"
