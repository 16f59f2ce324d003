#!/usr/bin/env bash
# A signed release reaches an emulated device over the broker: the device confirms it in its birth, judges it by its own
# samples, has it after its power was cut, and refuses an older one and a changed one; also one that is flashed.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
board=${1:-mps2-an386}
need_board "$board" skink-client qemu-system-arm
if ! /usr/bin/python3 -c 'import numpy, paho.mqtt.client' 2>/dev/null; then
  echo "SKIPPED: firmware: python3-numpy or python3-paho-mqtt is not installed"
  exit 0
fi

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=2 --set fleet.held_out=1 --set meta.cohort=1 --set evaluation.tasks=4 --set evaluation.final_tasks=4)
fleet_begin 1
mkdir "$fleet_work/run"
for ((index = 0; index < 2; ++index)); do # the recording of the held-out device has evaluation tasks
  "$fleet_bin/skink-sim" record "$file" --device-index "$index" --out "$fleet_work/run/pump.samples" "${settings[@]}" \
    >"$fleet_work/recorded.txt"
  ! grep -q "training" "$fleet_work/recorded.txt" || continue
  break
done
fleet_provision pump # makes the release key too

# sign NUMBER ROUNDS: the model after so many rounds, as release NUMBER
sign() {
  "$fleet_bin/skink-sim" run "$file" --set "meta.rounds=$2" --set evaluation.final_tasks=0 --set evaluation.every=0 \
    --out "$fleet_work/model-$1" --quiet >/dev/null
  "$fleet_bin/skinkctl" release sign --pki "$fleet_work/pki" --model "$fleet_work/model-$1/model.skm" --name sine \
    --number "$1" --out "$fleet_work/$1.release" >/dev/null
}
# announce ARGUMENT...: what the birth must say after it
announce() {
  "$SKINK_PYTHON" "$fleet_root/tests/support/announce_release.py" --port "$fleet_port" --pki "$fleet_work/pki" --id pump "$@" ||
    { cat "$fleet_work/run/pump.log" && fail "the birth does not say $*"; }
}
sign 2 1
sign 3 40
sign 5 2

fleet_restart_qemu run "$board" pump
announce --expect takes_releases=1 release=0
announce --release "$fleet_work/3.release" --flip 8 --expect release=0 release_refused=2 release_reason=WRONG_SIGNATURE
announce --release "$fleet_work/3.release" --flip 100 --expect release=0 release_refused=3 release_reason=WRONG_SIGNATURE
announce --release "$fleet_work/3.release" --passes 4 --rate 0.002 --expect release=3 release_use=ADAPTED release_refused=0
grep -q "release: number 3 is kept" "$fleet_work/run/pump.log" || fail "the console does not say it"
grep -q "release: judged, adapted" "$fleet_work/run/pump.log" || fail "nor that it was judged"

kill -KILL "$fleet_qemu_pid"
fleet_stop_one "$fleet_qemu_pid"
fleet_restart_qemu run "$board" pump
# The announcement is still at the broker: the release is there, and judged again.
announce --seconds 60 --expect release=3 release_use=ADAPTED
announce --release "$fleet_work/2.release" --expect release=3 release_refused=2 release_reason=OLDER_RELEASE

kill -KILL "$fleet_qemu_pid"
fleet_stop_one "$fleet_qemu_pid"
# flash NUMBER: a device that starts with this release in its partition
flash() {
  "$fleet_root/scripts/qemu-device" --board "$board" --identity "$fleet_work/images/pump.bin" \
    --recording "$fleet_work/run/pump.samples" --flash "$fleet_work/run/pump.flash" --release "$fleet_work/$1.release" \
    >>"$fleet_work/run/pump.log" 2>&1 &
  fleet_qemu_pid=$!
  fleet_pids+=("$fleet_qemu_pid")
}
flash 2
announce --seconds 60 --expect release=3 release_refused=2 release_reason=OLDER_RELEASE
grep -q "release: number 3 was kept later" "$fleet_work/run/pump.log" || fail "the older release of the partition is not told"
kill -KILL "$fleet_qemu_pid"
fleet_stop_one "$fleet_qemu_pid"
flash 5
announce --seconds 60 --expect release=5
announce --release "$fleet_work/3.release" --expect release=5 release_refused=3 release_reason=OLDER_RELEASE
