#!/usr/bin/env bash
# The coordinator is killed (-9) five times at random moments of one run, the broker once in between; the run ends with
# the undisturbed run's model, and no round is lost or doubled.
#
#   kill_test.sh [SEED]     repeats the moments of a failed test
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "killing the coordinator"
seed=${1:-$RANDOM}
RANDOM=$seed
echo "moments from seed $seed"

rounds=160
devices=16
file=$fleet_root/experiments/sine.toml
settings=(--set "meta.rounds=$rounds" --set "fleet.devices=$devices" --set fleet.held_out=4 --set meta.cohort=6
  --set evaluation.every=20 --set evaluation.tasks=16 --set evaluation.final_tasks=32)
fleet_begin $devices
fleet_configure run "$file"
fleet_start_edge run "$file" $devices "${settings[@]}"

rounds_done() {
  "$fleet_bin/skinkctl" status --store "$fleet_work/run/store.db" 2>/dev/null | awk '/^rounds/ {print $2}'
}

killed=0
for kill_number in 1 2 3 4 5; do
  fleet_start_coordinator run "${settings[@]}"
  goal=$((rounds * kill_number / 7))
  while kill -0 "$fleet_coordinator_pid" 2>/dev/null && [[ $(rounds_done || true) -lt $goal ]]; do sleep 0.02; done
  sleep "0.$(printf '%03d' $((RANDOM % 150)))"
  kill -0 "$fleet_coordinator_pid" 2>/dev/null || break
  kill -9 "$fleet_coordinator_pid"
  wait "$fleet_coordinator_pid" 2>/dev/null || true
  killed=$((killed + 1))
  echo "killed after round $(rounds_done)"
  if [[ $kill_number == 3 ]]; then
    fleet_stop_one "$fleet_broker_pid"
    fleet_start_broker
  fi
done
[[ $killed -eq 5 ]] || fail "the run ended before it was killed five times"
fleet_start_coordinator run "${settings[@]}"
fleet_wait_for_coordinator run || fail "the coordinator did not finish"

"$fleet_bin/skink-sim" run "$file" --engine protocol "${settings[@]}" --out "$fleet_work/simulator" --quiet
fleet=$(summary_field "$fleet_work/run/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/simulator/summary.json" model_sha256)
echo "fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
"$fleet_bin/skinkctl" status --store "$fleet_work/run/store.db" | grep -q "transcript   0 events" ||
  fail "the transcript is not empty"
# One line per round, in order, and each round's model and figures, of every evaluation, are the simulator's.
for side in run/fleet simulator; do
  cut -d, -f1,10- "$fleet_work/$side/metrics.csv" >"$fleet_work/${side##*/}.rounds"
done
[[ $(wc -l <"$fleet_work/fleet.rounds") -eq $((rounds + 2)) ]] || fail "rounds were lost or doubled"
cmp "$fleet_work/fleet.rounds" "$fleet_work/simulator.rounds" || fail "the rounds differ"
# The rate is of the device-rounds that the last process computed.
"$SKINK_PYTHON" - "$fleet_work/run/fleet/summary.json" <<'END' || fail "device-rounds of killed processes are in the rate"
import json, sys
summary = json.load(open(sys.argv[1]))
assert 0 < summary["device_rounds_per_second"] * summary["wall_seconds"] < summary["device_rounds"] * 0.6, summary
END
