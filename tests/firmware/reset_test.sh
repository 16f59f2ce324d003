#!/usr/bin/env bash
# A device whose power goes at any moment comes back, and the run ends with the hash of an undisturbed one: the simulator's.
# The fleet waits for the device ([fleet] offline_ms), so that nobody takes its place.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

resets=${SKINK_RESETS:-20}
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=3 --set "meta.rounds=$((resets * 60))"
  --set evaluation.every=0 --set evaluation.tasks=4 --set evaluation.final_tasks=4 --set fleet.deadline_ms=600000
  --set fleet.offline_ms=600000)
fleet_begin 3
fleet_configure reset "$file"
fleet_start_edge reset "$file" 3 "${settings[@]}"
fleet_start_qemu reset mps2-an386 arm-0 "$file" 0 "${settings[@]}" >"$fleet_work/recorded.txt"
grep -q training "$fleet_work/recorded.txt" || fail "the device must train; choose another seed"
fleet_start_coordinator reset "${settings[@]}" --updates "$fleet_work/fleet.csv"
seed=${SKINK_RESET_SEED:-$RANDOM}
echo "moments from seed $seed"
RANDOM=$seed
log=$fleet_work/reset/arm-0.log
seen=0
# has_started: the device has got as far as its storage since the last reset; a busy machine takes seconds for it.
has_started() {
  local tries=300
  until [[ $(grep -c "^storage: start" "$log") -gt $seen || $tries -eq 0 ]]; do
    tries=$((tries - 1))
    sleep 0.05
  done
}
for ((reset = 1; reset <= resets; reset++)); do
  if ((reset % 4 != 0)); then has_started; fi # of four resets one may come before
  sleep "$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 1000)))"
  kill -0 "$fleet_coordinator_pid" 2>/dev/null || break
  kill -KILL "$fleet_qemu_pid" 2>/dev/null || true
  fleet_stop_one "$fleet_qemu_pid"
  seen=$(grep -c "^storage: start" "$log" || true)
  fleet_restart_qemu reset mps2-an386 arm-0
done
fleet_wait_for_coordinator reset || fail "the run did not end"
starts=$(grep -c "^storage: start" "$log" || true)
echo "$((reset - 1)) resets, $starts starts in the log"
[[ $((reset - 1)) -ge $((resets / 2)) ]] || fail "the run was over before it was disturbed" # a fast machine ends early
[[ $starts -gt $((resets / 2)) ]] || fail "the device hardly ever got as far as its storage"

"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/reset/simulator" --quiet >/dev/null
fleet=$(summary_field "$fleet_work/reset/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/reset/simulator/summary.json" model_sha256)
echo "with resets $fleet, simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
"$fleet_bin/skink-sim" replay "$fleet_work/reset/store.db" --updates "$fleet_work/simulator.csv" --quiet ||
  fail "the store does not replay"
diff <(sort -u "$fleet_work/fleet.csv") <(sort -u "$fleet_work/simulator.csv") || fail "updates differ from the simulator's"
grep -q "one is there" "$log" || fail "no start found the last model in flash"
