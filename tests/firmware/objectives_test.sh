#!/usr/bin/env bash
# What devices learn, for real: a Cortex-M4 in QEMU and host clients, over a TLS broker, in runs with fixed labels, uneven
# clients and a scale for each channel; a forecast; an autoencoder. Every run ends with the simulator's hash, and every update
# is the simulator's.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

data=$fleet_work/data
"$SKINK_PYTHON" "$fleet_root/tests/data/make_sensors.py" "$data/sensors"
fleet_begin 12
for run in uneven:13 forecast:12 machines:10; do
  name=${run%:*}
  devices=${run#*:}
  # What the simulator leaves says how many clients there are; a coordinator has no data to count them.
  "$fleet_bin/skink-sim" run "$fleet_root/tests/golden/$name.toml" --data "$data" --out "$fleet_work/$name-first" --quiet >/dev/null
  file=$fleet_work/$name-first/experiment.toml
  fleet_configure "$name" "$file"
  fleet_start_edge "$name" "$file" $((devices - 1)) --data "$data"
  edge=$fleet_edge_pid
  # First in the roster, where the held-out devices are last or drawn elsewhere.
  fleet_start_qemu "$name" mps2-an386 a-mcu "$file" 0 --data "$data" >"$fleet_work/mcu.txt"
  grep -q training "$fleet_work/mcu.txt" || fail "$name: the emulated device must be a training device"
  fleet_start_coordinator "$name" --updates "$fleet_work/$name.csv"
  fleet_wait_for_coordinator "$name" || {
    tail -n 20 "$fleet_work/$name/a-mcu.log"
    fail "$name did not end"
  }
  fleet_stop_one "$fleet_qemu_pid"
  fleet_stop_one "$edge"
  fleet=$(summary_field "$fleet_work/$name/fleet/summary.json" model_sha256)
  simulator=$(summary_field "$fleet_work/$name-first/summary.json" model_sha256)
  [[ $fleet == "$simulator" ]] || fail "$name: fleet $fleet, simulator $simulator"
  "$fleet_bin/skink-sim" replay "$fleet_work/$name/store.db" --data "$data" --updates "$fleet_work/$name-simulator.csv" --quiet >/dev/null
  diff <(sort -u "$fleet_work/$name.csv") <(sort -u "$fleet_work/$name-simulator.csv") ||
    fail "$name: updates differ from the simulator's"
  updates=$(grep -c ",a-mcu" "$fleet_work/$name.csv") || fail "$name: the emulated device took no part"
  echo "$name: equal, $updates updates of the emulated device among them"
done
