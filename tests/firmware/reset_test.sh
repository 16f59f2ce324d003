#!/usr/bin/env bash
# A device whose power goes at any moment comes back, the run ends, and its store replays to the same hash. Which device takes
# part in a round depends on the moments, so the simulator's hash is not the measure.
set -euo pipefail
# shellcheck source=tests/firmware/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

resets=${SKINK_RESETS:-20}
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=3 --set "meta.rounds=$((resets * 25))"
  --set evaluation.every=0 --set evaluation.tasks=4 --set evaluation.final_tasks=4)
fleet_begin 3
fleet_configure reset "$file"
fleet_start_edge reset "$file" 3 "${settings[@]}"
fleet_start_qemu reset mps2-an386 arm-0 "$file" 0 "${settings[@]}" >"$fleet_work/recorded.txt"
grep -q training "$fleet_work/recorded.txt" || fail "the device must train; choose another seed"
fleet_start_coordinator reset "${settings[@]}"
seed=${SKINK_RESET_SEED:-$RANDOM}
echo "moments from seed $seed"
RANDOM=$seed
for ((reset = 1; reset <= resets; reset++)); do
  sleep "$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 1000)))"
  kill -0 "$fleet_coordinator_pid" 2>/dev/null || break
  kill -KILL "$fleet_qemu_pid" 2>/dev/null || true
  fleet_stop_one "$fleet_qemu_pid"
  fleet_restart_qemu reset mps2-an386 arm-0
done
fleet_wait_for_coordinator reset || fail "the run did not end"
starts=$(grep -c "^storage: start" "$fleet_work/reset/arm-0.log" || true)
echo "$((reset - 1)) resets, $starts starts in the log"
[[ $starts -eq $resets || $starts -eq $((resets + 1)) ]] || fail "the run was over before it was disturbed"
"$fleet_bin/skink-sim" replay "$fleet_work/reset/store.db" --quiet || fail "the store does not replay"
grep -q "one is there" "$fleet_work/reset/arm-0.log" || fail "no start found the last model in flash"
