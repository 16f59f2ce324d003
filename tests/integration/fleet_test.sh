#!/usr/bin/env bash
# A fleet over a real broker with TLS ends with the simulator's model, bit for bit; first sine, then few-shot images
# (Omniglot where the data is found, else a generated set); then clients with what they have: uneven records with fixed labels,
# forecasts, and autoencoders, with a scale for each channel.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "fleet over a broker"

# compare NAME EXPERIMENT DEVICES ARGUMENT...
compare() {
  local name=$1 file=$2 devices=$3 fleet simulator
  shift 3
  fleet_configure "$name" "$file"
  fleet_start_edge "$name" "$file" "$devices" "$@"
  local settings=()
  while [[ $# -gt 0 ]]; do
    if [[ $1 == --set ]]; then settings+=(--set "$2"); fi
    shift 2
  done
  fleet_start_coordinator "$name" "${settings[@]}"
  fleet_wait_for_coordinator "$name"
  fleet_stop_one "$fleet_coordinator_pid"
  fleet_stop_one "$fleet_edge_pid"
  "$fleet_bin/skink-sim" run "$file" "${settings[@]}" ${data:+--data "$data"} --out "$fleet_work/$name/simulator" --quiet
  fleet=$(summary_field "$fleet_work/$name/fleet/summary.json" model_sha256)
  simulator=$(summary_field "$fleet_work/$name/simulator/summary.json" model_sha256)
  echo "$name: fleet $fleet simulator $simulator"
  [[ $fleet == "$simulator" ]] || { echo "FAILED: the hashes of $name differ"; exit 1; }
  for key in query_loss_before query_loss_after query_accuracy_after device_rounds; do
    [[ $(summary_field "$fleet_work/$name/fleet/summary.json" $key) == \
      $(summary_field "$fleet_work/$name/simulator/summary.json" $key) ]] || { echo "FAILED: $key of $name differs"; exit 1; }
  done
  # The simulated devices report as these do; only their names are others.
  "$fleet_bin/skink-sim" run "$file" "${settings[@]}" ${data:+--data "$data"} --engine protocol --quiet \
    --out "$fleet_work/$name/protocol"
  for side in fleet protocol; do cut -d, -f1,2,4- "$fleet_work/$name/$side/devices.csv" >"$fleet_work/$name/$side.devices"; done
  diff "$fleet_work/$name/fleet.devices" "$fleet_work/$name/protocol.devices" ||
    { echo "FAILED: devices.csv of $name differs"; exit 1; }
  "$SKINK_PYTHON" "$fleet_root/tests/integration/check_device_figures.py" "$fleet_work/$name/fleet"
  "$fleet_bin/skinkctl" status --store "$fleet_work/$name/store.db" | grep -q "finished"
  "$fleet_bin/skinkctl" model show "$fleet_work/$name/fleet/model.skm" | grep -q "$fleet"
}

fleet_begin 64
data=
compare sine "$fleet_root/experiments/sine.toml" 64 --set meta.rounds=40 --set evaluation.every=20 \
  --set evaluation.final_tasks=64
compare int8 "$fleet_root/experiments/sine.toml" 64 --set meta.rounds=15 --set evaluation.every=0 \
  --set evaluation.final_tasks=32 --set codec.uplink=int8 --set meta.strategy=reptile --set meta.batch_size=5

small=(--set evaluation.every=0 --set evaluation.tasks=16 --set evaluation.final_tasks=16)
if [[ -d ${SKINK_DATA:-/nonexistent}/omniglot ]]; then
  data=$SKINK_DATA
  compare omniglot "$fleet_root/experiments/omniglot-5w5s.toml" 64 --data "$data" --set meta.rounds=3 \
    --set meta.cohort=16 "${small[@]}"
else
  echo "SKIPPED: Omniglot over a broker: no data set found (SKINK_DATA); a generated image set is used instead"
  data=$fleet_work/data
  "$SKINK_PYTHON" "$fleet_root/tests/data/make_images.py" "$data/images"
  compare images "$fleet_root/experiments/images-5w5s.toml" 64 --data "$data" --set meta.rounds=10 "${small[@]}"
fi

data=$fleet_work/sensor-data
"$SKINK_PYTHON" "$fleet_root/tests/data/make_sensors.py" "$data/sensors"
for run in uneven:13 forecast:12 machines:10; do
  name=${run%:*}
  # What the simulator leaves says how many clients there are; a coordinator has no data to count them.
  "$fleet_bin/skink-sim" run "$fleet_root/tests/golden/$name.toml" --data "$data" --out "$fleet_work/$name-first" --quiet
  compare "$name" "$fleet_work/$name-first/experiment.toml" "${run#*:}" --data "$data"
done
