#!/usr/bin/env bash
# Runs that begin with a model that was learned before: the simulator's engines, the reference, a fleet over a broker whose
# coordinator is killed, and the replay of its store end with one model; a wrong or missing file is refused.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "initial models"
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=12 --set fleet.held_out=4 --set meta.cohort=4 --set meta.rounds=12
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=8)
sim=$fleet_bin/skink-sim
out=$fleet_work

hash_of() { summary_field "$out/$1/summary.json" model_sha256; }
# refuses CODE TEXT COMMAND...: it ends with the code and says the text
refuses() {
  local want=$1 text=$2 code=0
  shift 2
  "$@" >"$out/refused" 2>&1 || code=$?
  [[ $code == "$want" ]] || fail "exit code $code, not $want, of $*: $(cat "$out/refused")"
  grep -qF -- "$text" "$out/refused" || fail "$* says: $(cat "$out/refused")"
}

"$sim" run "$file" "${settings[@]}" --out "$out/first" --quiet >"$out/log"
first=$out/first/model.skm
digest=$(hash_of first)
second=("${settings[@]}" --set seed=2)
"$sim" run "$file" "${second[@]}" --init "$first" --out "$out/learning" --quiet >"$out/log"
"$sim" run "$file" "${second[@]}" --set "init=$digest" --init "$first" --engine protocol --out "$out/protocol" --quiet >"$out/log"
reference=$(/usr/bin/python3 "$fleet_root/tests/golden/reference.py" "$file" "${second[@]}" --set "init=\"$digest\"" --init "$first" |
  /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["model_sha256"])')
"$sim" run "$file" "${second[@]}" --out "$out/random" --quiet >"$out/log"
wanted=$(hash_of learning)
[[ $(hash_of protocol) == "$wanted" ]] || fail "protocol engine: $(hash_of protocol), learning engine: $wanted"
[[ $reference == "$wanted" ]] || fail "reference: $reference, simulator: $wanted"
[[ $(hash_of random) != "$wanted" ]] || fail "the initial model made no difference"
grep -q "^init = \"$digest\"" "$out/learning/experiment.toml" || fail "experiment.toml does not say what the run began with"
"$sim" run "$out/learning/experiment.toml" --init "$first" --out "$out/again" --quiet >"$out/log"
[[ $(hash_of again) == "$wanted" ]] || fail "experiment.toml gives $(hash_of again)"
"$sim" sweep "$file" "${settings[@]}" --seeds 2..2 --init "$first" --out "$out/sweep" --quiet >"$out/log"
[[ $(hash_of sweep/seed-2) == "$wanted" ]] || fail "sweep: $(hash_of sweep/seed-2)"
echo "simulator and reference begin with $digest and end with $wanted"

refuses 3 "give its file with --init" "$sim" run "$out/learning/experiment.toml" --out "$out/none"
refuses 3 "and the experiment begins with $digest" "$sim" run "$out/learning/experiment.toml" --set seed=3 --init "$out/random/model.skm" \
  --set "init=$digest" --out "$out/other"
refuses 3 "64 hexadecimal digits" "$sim" run "$file" --set init=model.skm --out "$out/bad"
head -c 200 "$first" >"$out/cut.skm"
refuses 4 "is cut short" "$sim" run "$file" --init "$out/cut.skm" --out "$out/bad"
refuses 4 "not a model of this experiment" "$sim" run "$file" --set model.layers.0.units=8 --init "$first" --out "$out/bad"

fleet_begin 12
fleet_configure fleet "$file"
fleet_start_edge fleet "$file" 12 "${second[@]}"
fleet_start_coordinator fleet "${second[@]}" --init "$first"
while [[ $("$fleet_bin/skinkctl" status --store "$out/fleet/store.db" 2>/dev/null | awk '/^rounds/ {print $2}') -lt 3 ]]; do
  kill -0 "$fleet_coordinator_pid" || fail "it ended before it was killed"
  sleep 0.02
done
kill -9 "$fleet_coordinator_pid"
wait "$fleet_coordinator_pid" 2>/dev/null || true
fleet_start_coordinator fleet "${second[@]}" --init "$first"
fleet_wait_for_coordinator fleet || fail "the fleet did not end"
[[ $(hash_of fleet/fleet) == "$wanted" ]] || fail "fleet: $(hash_of fleet/fleet), simulator: $wanted"
"$sim" replay "$out/fleet/store.db" --quiet | grep -q equal || fail "the store does not replay"
echo "a fleet whose coordinator was killed, and the replay of its store, end with $wanted"
