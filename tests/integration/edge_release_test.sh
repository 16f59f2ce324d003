#!/usr/bin/env bash
# skink-edge and releases over a real broker: kept over a restart with --state, forgotten without, and not taken where the
# folder of keys has no release.pub. One folder of --state belongs to one process.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "releases of skink-edge"
if ! /usr/bin/python3 -c 'import numpy, paho.mqtt.client' 2>/dev/null; then
  echo "SKIPPED: releases of skink-edge: python3-numpy or python3-paho-mqtt is not installed"
  exit 0
fi

file=$fleet_root/experiments/sine.toml
fleet_begin 2
mkdir "$fleet_work/run"

# announce ARGUMENT...: what the birth must say after it
announce() {
  "$SKINK_PYTHON" "$fleet_root/tests/support/announce_release.py" --port "$fleet_port" --pki "$fleet_work/pki" \
    --id device-000 "$@" || fail "the birth does not say $*"
}
sign() {
  "$fleet_bin/skink-sim" run "$file" --set "meta.rounds=$2" --set evaluation.final_tasks=0 --set evaluation.every=0 \
    --out "$fleet_work/model-$1" --quiet >/dev/null
  "$fleet_bin/skinkctl" release sign --pki "$fleet_work/pki" --model "$fleet_work/model-$1/model.skm" --name sine \
    --number "$1" --out "$fleet_work/$1.release" >/dev/null
}

fleet_start_edge run "$file" 2
announce --expect takes_releases=0
fleet_stop_one "$fleet_edge_pid"
sign 2 1 # makes release.key and release.pub
sign 3 40
sign 4 2

state=$fleet_work/state
fleet_start_edge run "$file" 2 --state "$state"
announce --expect takes_releases=1 release=0
announce --release "$fleet_work/3.release" --flip 90 --expect release=0 release_refused=3 release_reason=WRONG_SIGNATURE
announce --release "$fleet_work/3.release" --passes 4 --rate 0.002 --expect release=3 release_use=ADAPTED
code=0
"$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$fleet_work/pki" \
  --id device-001 --state "$state" >"$fleet_work/second.log" 2>&1 || code=$?
[[ $code -eq 8 ]] || fail "a second process in the same folder ended with $code: $(cat "$fleet_work/second.log")"
kill -KILL "$fleet_edge_pid"
fleet_stop_one "$fleet_edge_pid"

fleet_start_edge run "$file" 2 --state "$state"
announce --expect release=3 release_use=ADAPTED # announced still, and judged again
announce --release "$fleet_work/2.release" --expect release=3 release_refused=2 release_reason=OLDER_RELEASE
announce --release "$fleet_work/4.release" --expect release=4 release_use=RELEASED release_refused=0

# A run goes on beside it, to the simulator's hash, and the next start has task and model too.
settings=(--set fleet.devices=2 --set fleet.held_out=0 --set meta.cohort=2 --set meta.rounds=20 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0)
fleet_configure run "$file"
fleet_start_coordinator run "${settings[@]}"
fleet_wait_for_coordinator run || fail "the run did not end"
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/simulator" --quiet >/dev/null
fleet=$(summary_field "$fleet_work/run/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/simulator/summary.json" model_sha256)
echo "fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
[[ -s $state/device-000.task && -s $state/device-001.model && -s $state/device-000.release ]] || fail "files are missing in $state"
[[ ! -e $state/device-001.release ]] || fail "a release of nobody"
fleet_stop_one "$fleet_edge_pid"

printf 'no state' >"$state/device-000.release"
code=0
"$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$fleet_work/pki" \
  --count 2 --state "$state" >"$fleet_work/damaged.log" 2>&1 || code=$?
[[ $code -eq 8 ]] || fail "a damaged state ended with $code"
grep -q "device-000.release: not what skink-edge has written" "$fleet_work/damaged.log" || fail "$(cat "$fleet_work/damaged.log")"

fleet_start_edge run "$file" 2 # in memory
announce --expect release=4 # fetched again: the announcement is at the broker
fleet_stop_one "$fleet_edge_pid"

printf 'no key' >"$fleet_work/pki/release.pub"
code=0
"$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$fleet_work/pki" \
  --count 2 >"$fleet_work/key.log" 2>&1 || code=$?
[[ $code -eq 5 ]] || fail "without a sound release.pub it ended with $code: $(cat "$fleet_work/key.log")"
grep -q "release.pub" "$fleet_work/key.log" || fail "the file is not named: $(cat "$fleet_work/key.log")"
