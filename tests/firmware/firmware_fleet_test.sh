#!/usr/bin/env bash
# A mixed fleet ends with the simulator's hash, and every update is the simulator's: a Cortex-M3, -M7, -M33 and two
# Cortex-M4 in QEMU, the same device as a process of Linux, 26 host clients, one TLS broker. The process and the boards adapt
# to samples of their own between rounds. Then they take the model as a release.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
boards=(lm3s6965evb mps2-an500 mps2-an505 mps2-an386 mps2-an386)
for board in "${boards[@]}"; do need_board "$board" skink-personal qemu-system-arm; done
# One of them computes by the PSA Crypto API, the others by mbedTLS's own functions.
has_psa() { arm-none-eabi-nm "$fleet_root/build/firmware-$1/skink-personal.elf" | grep " psa_verify_hash$" >/dev/null; } # -q would end nm early, which counts as failed
if ! has_psa mps2-an500 || has_psa mps2-an505; then fail "the cryptography of mps2-an500 is to be PSA's (CMakePresets.json), and of no other"; fi

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=32 --set fleet.held_out=8 --set meta.cohort=16 --set meta.rounds=10
  --set evaluation.every=5 --set evaluation.tasks=32 --set evaluation.final_tasks=64)
fleet_begin 26
fleet_configure mixed "$file"
fleet_start_edge mixed "$file" 26 "${settings[@]}"
fleet_process_options=(--adapt 0.002:8)
fleet_start_process mixed a-process "$file" 0 "${settings[@]}" --personal >/dev/null
# The roster is sorted: a-process, device-000 .. device-025, mcu-0 .. mcu-4. The M3 has room for the samples of a training device only;
# mcu-4 is held out and evaluates.
fleet_image=skink-personal
fleet_start_qemu mixed "${boards[0]}" mcu-0 "$file" 27 "${settings[@]}" --personal >"$fleet_work/m3.txt" # a pipe would hide its process
for i in 1 2 3 4; do fleet_start_qemu mixed "${boards[i]}" "mcu-$i" "$file" $((27 + i)) "${settings[@]}" --personal; done
grep -q training "$fleet_work/m3.txt" || fail "the M3 must be a training device; choose another seed"
fleet_start_coordinator mixed "${settings[@]}" --updates "$fleet_work/fleet.csv"
if ! fleet_wait_for_coordinator mixed; then
  tail -n 20 "$fleet_work"/mixed/mcu-*.log
  fail "the run did not end"
fi
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/mixed/simulator" --quiet >/dev/null
fleet=$(summary_field "$fleet_work/mixed/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/mixed/simulator/summary.json" model_sha256)
echo "mixed fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"

# Every update of every device, byte for byte (by SHA-256): those of the emulated ones too.
"$fleet_bin/skink-sim" replay "$fleet_work/mixed/store.db" --updates "$fleet_work/simulator.csv" --quiet
[[ $(grep -c ",mcu-" "$fleet_work/fleet.csv") -ge 20 ]] || fail "the emulated devices sent too few updates to compare"
diff <(sort -u "$fleet_work/fleet.csv") <(sort -u "$fleet_work/simulator.csv") || fail "updates differ from the simulator's"
echo "$(grep -c ",mcu-" "$fleet_work/fleet.csv") updates of emulated devices are the simulator's"

for key in query_loss_before query_loss_after device_rounds; do
  [[ $(summary_field "$fleet_work/mixed/fleet/summary.json" $key) == \
    $(summary_field "$fleet_work/mixed/simulator/summary.json" $key) ]] || fail "$key differs"
done
for i in 0 1 2 3 4; do
  grep -qE "round [0-9]+: (adapted|evaluated)" "$fleet_work/mixed/mcu-$i.log" || fail "mcu-$i did nothing"
done
grep -qE "round [0-9]+: accepted" "$fleet_work/mixed/a-process.log" || fail "the process did nothing"

# Adapted weights were in use on all, and on most a task came after that: a device that is asked again at once adapts later.
between=0
for id in a-process mcu-0 mcu-1 mcu-2 mcu-3 mcu-4; do
  found=$(tr -d '\r' <"$fleet_work/mixed/$id.log" | awk '/^adapted: in use$|^release: judged, adapted$/ { n = 1 }
    n && /task taken$/ { after = 1 } END { print n + after }')
  [[ $found -gt 0 ]] || { cat "$fleet_work/mixed/$id.log" && fail "$id did not adapt"; }
  ((between += found - 1)) || true
done
[[ $between -ge 3 ]] || fail "only $between of 6 devices adapted between rounds"
echo "a process, M3, M4, M7 and M33 adapted to samples of their own, $between of 6 between rounds"

# ---- the model of that run, released: one file, the same on all of them ----
if ! /usr/bin/python3 -c 'import numpy, paho.mqtt.client' 2>/dev/null; then
  echo "SKIPPED: a release for all of them: python3-numpy or python3-paho-mqtt is not installed"
  exit 0
fi
"$fleet_bin/skinkctl" release sign --pki "$fleet_work/pki" --model "$fleet_work/mixed/fleet/model.skm" --name sine --number 1 \
  --out "$fleet_work/1.release" >/dev/null
prefix=$(/usr/bin/python3 -c 'import sys; print(int.from_bytes(bytes.fromhex(sys.argv[1][:16]), "little"))' "$fleet")
for id in a-process mcu-0 mcu-1 mcu-2 mcu-3 mcu-4; do
  "$SKINK_PYTHON" "$fleet_root/tests/support/announce_release.py" --port "$fleet_port" --pki "$fleet_work/pki" --id "$id" \
    --release "$fleet_work/1.release" --passes 4 --rate 0.002 --seconds 60 --expect release=1 release_refused=0 "release_model=$prefix" ||
    { tail -n 20 "$fleet_work/mixed/$id.log" && fail "$id does not have the release"; }
done
echo "a process, M3, M4, M7 and M33 have the release"
