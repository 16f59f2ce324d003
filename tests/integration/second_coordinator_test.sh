#!/usr/bin/env bash
# Two coordinators of one fleet with the same certificate, as when a gateway's folder was copied and both were started: the second
# one stands by, each says what is wrong, the run goes on meanwhile to the simulator's model. When the first one is stopped the copy
# leads, and its run ends with the same model.
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
run=$(queue --wait 20)  # less than the copy stands by
until (($(rounds_done "$run") > 100)); do sleep 0.1; done

# A copy of the state as it is: the store is one file and its log, and a backup is backup_test's.
cp -r "$out/state" "$out/copy"
rm -f "$out/copy/api.sock"
find "$out/copy" -name '*.lock' -delete
sed 's|^state = .*|state = "copy"|' "$out/service.toml" >"$out/copy.toml"
(cd "$out" && exec "$fleet_bin/skink-coordinator" --config copy.toml) >"$out/copy.log" 2>&1 &
fleet_pids+=("$!")
# says FILE TEXT: within a minute
says() {
  local begun=$SECONDS
  until grep -qF -- "$2" "$out/$1"; do
    ((SECONDS - begun < 60)) || fail "$1 does not say '$2': $(tail -n 5 "$out/$1")"
    sleep 0.2
  done
}
of_copy() { SKINK_SOCKET=$out/copy/api.sock "$ctl" "$@"; }

says copy.log "another coordinator leads this fleet: $(hostname):$out/state. This one stands by"
says service.log "another coordinator, $(hostname):$out/copy, would lead this fleet as well and stands by"
wait_for standby field 'it["phase"]' of_copy status
code=0
"$fleet_bin/skinkctl" doctor --config "$out/copy.toml" >"$out/doctor" || code=$?
grep -qF "stop one of the two coordinators" "$out/doctor" || fail "doctor ($code): $(cat "$out/doctor")"
echo "the copy stands by, and both say so"

ends_as "$run" sim
[[ $(field 'it["phase"]' of_copy status) == standby ]] || fail "the copy does not stand by any more"
echo "the run ended with the simulator's model"

fleet_stop_one "$fleet_service_pid"
export SKINK_SOCKET=$out/copy/api.sock
wait_s=270  # looks are up to four minutes apart
wait_for True field 'it["broker_connected"]' "$ctl" status
ends_as "$run" sim
echo "the copy led when the first one was stopped, and its run ended with the same model"
