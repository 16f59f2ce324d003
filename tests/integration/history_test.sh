#!/usr/bin/env bash
# What a gateway does over weeks, in a row: three runs, each but the first from the model before, two releases, and the older
# model released again under a higher number. Every run ends with the simulator's model, and every device confirms number and hash
# of each release.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "a history of runs and releases"
file=$fleet_root/experiments/sine.toml
devices=10
settings=(--set "fleet.devices=$devices" --set fleet.held_out=3 --set meta.cohort=4 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=6 --set meta.rounds=40 --set meta.clip_factor=3)
# shellcheck source=tests/integration/service_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/service_lib.sh"

# release MODEL FOLDER: all devices confirm it, as the next number, with the simulator's hash
number=0
release() {
  local sha256
  sha256=$(hash_of "$2")
  "$ctl" releases add "$1" >"$out/log"
  number=$((number + 1))
  wait_for "$devices $number $(prefix_of "$sha256")" confirmed
  [[ $(field "{d['release'] for d in it['items']}" "$ctl" devices) == "{$number}" ]] || fail "devices: $("$ctl" devices)"
  [[ $(field "it['items'][-1]['number'], it['items'][-1]['model_sha256']" "$ctl" releases) == "$number $sha256" ]] ||
    fail "release $number: $("$ctl" releases)"
}

# The same history, simulated.
"$sim" run "$file" "${settings[@]}" --set seed=11 --out "$out/first" --quiet >"$out/log"
"$sim" run "$file" "${settings[@]}" --set seed=12 --init "$out/first/model.skm" --out "$out/second" --quiet >"$out/log"
"$sim" run "$file" "${settings[@]}" --set seed=13 --init "$out/second/model.skm" --out "$out/third" --quiet >"$out/log"

fleet_begin "$devices"
mkdir "$out/edge"
fleet_configure_service "[]"
fleet_start_service 2>"$out/service.log"
wait_for True field 'it["broker_connected"]' "$ctl" status
fleet_start_edge edge "$file" "$devices" "${settings[@]}"
wait_for "$devices" field 'it["devices_online"]' "$ctl" status

ends_as "$(field 'it["number"]' "$ctl" runs start "$file" "${settings[@]}" --set seed=11 --timeout 60)" first
ends_as "$(queue --set seed=12 --init-model 1)" second
release 2 second
ends_as "$(queue --set seed=13 --init-model 2)" third
release 3 third
for pair in 1:first 2:second 3:third; do
  [[ $(model_of "${pair%:*}") == "$(hash_of "${pair#*:}")" ]] || fail "model ${pair%:*} of the registry has changed"
done
echo "three runs end with the models of a simulated history, two of them are released and confirmed by $devices devices"

code=0
"$ctl" runs start "$file" "${settings[@]}" --set "fleet.devices=$((devices + 1))" --timeout 2 >"$out/said" 2>&1 || code=$?
[[ $code == 6 ]] || fail "exit code $code of a run that lacks a device: $(cat "$out/said")"
grep -q "$devices of $((devices + 1)) devices" "$out/said" || fail "not said what it waits for: $(cat "$out/said")"
"$ctl" runs stop 4 >"$out/log"
echo "a run that lacks a device says so when it is started"

release 2 second
[[ $(field '[r["model"] for r in it["items"]]' "$ctl" releases) == "[2, 3, 2]" ]] || fail "releases: $("$ctl" releases)"
echo "model 2 is released again as release $number: every device confirms number and hash"
