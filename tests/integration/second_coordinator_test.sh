#!/usr/bin/env bash
# Two coordinators lead one fleet with the same certificate, as when a gateway's folder was copied to another machine and both were
# started: each says what is wrong, the run goes on meanwhile, and when the copy is gone it ends with the simulator's model.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "a second coordinator of one fleet"
file=$fleet_root/experiments/sine.toml
devices=6
settings=(--set "fleet.devices=$devices" --set fleet.held_out=2 --set meta.cohort=2 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=4 --set meta.rounds=2000 --set meta.clip_factor=3)
# shellcheck source=tests/integration/service_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/service_lib.sh"
end_s=120

"$sim" run "$file" "${settings[@]}" --out "$out/sim" --quiet >"$out/log"

fleet_begin "$devices"
mkdir "$out/edge"
fleet_configure_service "[]"
fleet_start_service 2>"$out/service.log"
wait_for True field 'it["broker_connected"]' "$ctl" status
fleet_start_edge edge "$file" "$devices" "${settings[@]}"
wait_for "$devices" field 'it["devices_online"]' "$ctl" status
run=$(queue --wait 60)
until (($(rounds_done "$run") > 100)); do sleep 0.1; done

# A copy of the state as it is: the store is one file and its log, and a backup is backup_test's.
cp -r "$out/state" "$out/copy"
rm -f "$out/copy/api.sock"
find "$out/copy" -name '*.lock' -delete
sed 's|^state = .*|state = "copy"|' "$out/service.toml" >"$out/copy.toml"
(cd "$out" && exec "$fleet_bin/skink-coordinator" --config copy.toml) >"$out/copy.log" 2>&1 &
copy=$!
fleet_pids+=("$copy")
begun=$SECONDS
before=$(rounds_done "$run")
named() { grep -l "does another coordinator lead this fleet" "$out/service.log" "$out/copy.log" | wc -l; }
until [[ $(named) == 2 ]]; do
  ((SECONDS - begun < 60)) || fail "not both say what is wrong within 60 s: $(tail -n 5 "$out/service.log" "$out/copy.log")"
  sleep 0.2
done
echo "both coordinators said after $((SECONDS - begun)) s what is wrong"
sleep 3
(($(rounds_done "$run") > before)) || fail "the run stands still: $(tail -5 "$out/service.log")"
fleet_stop_one "$copy"
ends_as "$run" sim
echo "the run went on, and ended with the simulator's model when the copy was stopped"
