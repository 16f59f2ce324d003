#!/usr/bin/env bash
# Devices with a (synthetic) sensor: they collect labelled windows, take part in a run with them, and predict what they see
# between rounds; better once they have adapted. One is held out and evaluates; one starts over and predicts with the model
# that is in its flash.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-accelerometer qemu-system-arm
need_board lm3s6965evb skink-accelerometer qemu-system-arm
boards=(mps2-an386 lm3s6965evb mps2-an386)

# wait_for FILE SECONDS TEXT [COUNT]: until COUNT lines have it
wait_for() {
  local tries=$(($2 * 5))
  until [[ $(grep -cE -- "$3" "$1") -ge ${4:-1} ]]; do
    tries=$((tries - 1))
    if [[ $tries -le 0 ]]; then
      cat "$1"
      fail "'$3' did not come: $1"
    fi
    sleep 0.2
  done
}
# right_of FILE: how many of the last 40 windows, all motions, were predicted right, and how many of them have a known label
right_of() {
  grep '^window .*adapted weights' "$1" | tail -n 40 | awk '!/unknown/ {
    gsub(/[,\r]/, ""); ++all; if ($3 == $5) ++right } END { print right + 0, all + 0 }'
}

fleet_begin 0
fleet_configure motion "$fleet_root/experiments/accelerometer.toml"
logs=$fleet_work/motion
for i in 0 1 2; do
  fleet_start_sensor motion "${boards[i]}" "motion-$i"
  pids[i]=$fleet_qemu_pid
done
for i in 0 1 2; do wait_for "$logs/motion-$i.log" 60 "samples: complete"; done
fleet_edge_pid=${pids[0]}
fleet_start_coordinator motion --set meta.rounds=8 --set evaluation.every=4
fleet_wait_for_coordinator motion || fail "the run did not end"
[[ $(summary_field "$logs/fleet/summary.json" rounds) == 8 ]] || fail "not all rounds"
cat "$logs/fleet/summary.json"
[[ $(cat "$logs"/motion-?.log | grep -cE "round [0-9]+: evaluated") -eq 3 ]] || fail "no three evaluations"
before=$(grep -c '^window .*adapted weights' "$logs/motion-2.log" || true)
wait_for "$logs/motion-2.log" 30 "^window .*adapted weights" $((before + 45)) # with what the run ended with
for i in 0 1 2; do
  log=$logs/motion-$i.log
  read -r right all < <(right_of "$log")
  ((all >= 25)) || fail "too few windows of motion-$i"
  echo "motion-$i (${boards[i]}): $right of $all windows predicted right"
  ((right * 10 >= all * 8)) || { tail -n 40 "$log"; fail "fewer than 8 of 10"; }
done

fleet_stop_one "${pids[0]}"
lines=$(wc -l <"$logs/motion-0.log")
fleet_start_sensor motion "${boards[0]}" motion-0
tail -n "+$((lines + 1))" -f "$logs/motion-0.log" >"$logs/again.log" &
fleet_pids+=($!)
wait_for "$logs/again.log" 30 "storage: start 2, .* one is there"
wait_for "$logs/again.log" 60 "^window .*received weights" 10
echo "predicted, adapted and started over"
