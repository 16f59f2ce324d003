#!/usr/bin/env bash
# What a device refuses, each with its own reason on the console or at the coordinator.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

provision() { # ID SERVER-NAME PKI; "" is that of the broker, 10.0.2.2
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/$3" --out "$fleet_work/images" --id "$1" \
    --broker "10.0.2.2:$fleet_port" ${2:+--server-name "$2"} >/dev/null
}

# expect TEXT ARGUMENT...: a device started so says TEXT within 20 s.
expect() {
  local text=$1 log=$fleet_work/device.log tries=200
  shift
  : >"$log"
  "$fleet_root/scripts/qemu-device" "$@" >"$log" 2>&1 &
  local pid=$!
  fleet_pids+=("$pid")
  until grep -qF -- "$text" "$log"; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || { cat "$log" && fail "the device does not say '$text'"; }
    sleep 0.1
  done
  fleet_stop_one "$pid"
  echo "said: $(grep -F -m 1 -- "$text" "$log" | tr -d '\r')"
}

fleet_begin 3
provision sound localhost pki
sound=$fleet_work/images/sound.bin
flash=$fleet_work/refusals.flash

expect "this device is not provisioned" --flash "$flash"
cp "$sound" "$fleet_work/bent.bin"
byte=$(od -An -tu1 -j 300 -N 1 "$fleet_work/bent.bin")
printf '%b' "\\x$(printf '%02x' $((byte ^ 0x55)))" | dd of="$fleet_work/bent.bin" bs=1 seek=300 conv=notrunc status=none
expect "identity: the content is damaged" --identity "$fleet_work/bent.bin" --flash "$flash"
expect "storage: not available" --identity "$sound"
expect "mqtt: accepted by the broker" --identity "$sound" --flash "$flash" --entropy 3
expect "network: the board has no entropy" --identity "$sound" --flash "$flash" --entropy none
"$fleet_root/scripts/make-pki" "$fleet_work/other" --count 0 --fleet demo >/dev/null
provision stranger localhost other
expect "not from this fleet's CA" --identity "$fleet_work/images/stranger.bin" --flash "$flash"
provision lost other.example pki
expect "for another host name" --identity "$fleet_work/images/lost.bin" --flash "$flash"
provision elsewhere "" pki
expect "for another host name" --identity "$fleet_work/images/elsewhere.bin" --flash "$fleet_work/elsewhere.flash"
provision numbered 127.0.0.1 pki
expect "mqtt: accepted by the broker" --identity "$fleet_work/images/numbered.bin" --flash "$fleet_work/numbered.flash"
expect "has expired" --identity "$sound" --flash "$flash" --clock 4102444800
expect "not valid yet" --identity "$sound" --flash "$flash" --clock 1000000000
expect "names no time server" --identity "$sound" --flash "$flash" --clock none

# The device's own certificate has expired: the same identity with a second certificate field, the last of which counts.
pki=$fleet_work/pki
: >"$fleet_work/index.txt"
printf '[ca]\ndefault_ca = issuer\n[issuer]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = yes\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n' \
  "$fleet_work/index.txt" "$fleet_work" >"$fleet_work/openssl.cnf"
openssl req -new -key "$pki/devices/sound/key.pem" -subj /CN=sound -out "$fleet_work/request.pem"
openssl ca -batch -notext -config "$fleet_work/openssl.cnf" -cert "$pki/ca.pem" -keyfile "$pki/ca.key" \
  -startdate 20200101000000Z -enddate 20210101000000Z -in "$fleet_work/request.pem" -out "$fleet_work/old.pem" 2>/dev/null
openssl x509 -in "$fleet_work/old.pem" -outform der -out "$fleet_work/old.der"
/usr/bin/python3 - "$sound" "$fleet_work/old.der" "$fleet_work/old.bin" <<'END'
import hashlib
import sys

image, certificate = (open(name, "rb").read() for name in sys.argv[1:3])
content = image[8 : 8 + int.from_bytes(image[6:8], "little")]
content += bytes([11 << 3 | 2, len(certificate) % 128 + 128, len(certificate) // 128]) + certificate
image = image[:6] + len(content).to_bytes(2, "little") + content
open(sys.argv[3], "wb").write(image + hashlib.sha256(image).digest())
END
expect "the broker refuses this device's certificate (code 45)" --identity "$fleet_work/old.bin" --flash "$flash"

# A signed model is taken; one with a changed manifest, or cut off, is not.
"$fleet_bin/skink-sim" run "$fleet_root/experiments/sine.toml" --set meta.rounds=1 --set evaluation.final_tasks=0 \
  --out "$fleet_work/model" --quiet >/dev/null
release=$fleet_work/sine.release
"$fleet_bin/skinkctl" release sign --pki "$fleet_work/pki" --model "$fleet_work/model/model.skm" --name sine --number 3 \
  --out "$release" >/dev/null
expect "release: model sine number 3" --identity "$sound" --flash "$flash" --release "$release"
cp "$release" "$fleet_work/tampered.release"
printf '\x04' | dd of="$fleet_work/tampered.release" bs=1 seek=8 conv=notrunc status=none # the number
expect "release: refused: the authentication code is wrong" --identity "$sound" --flash "$flash" \
  --release "$fleet_work/tampered.release"
head -c 3000 "$release" >"$fleet_work/truncated.release"
expect "release: refused: the content is damaged" --identity "$sound" --flash "$flash" \
  --release "$fleet_work/truncated.release"

# A revoked device is let in until the broker has read the list again.
expect "mqtt: accepted by the broker" --identity "$sound" --flash "$flash"
"$fleet_bin/skinkctl" device revoke --pki "$fleet_work/pki" sound >/dev/null
kill -HUP "$fleet_broker_pid"
keys=$fleet_work/pki/devices/sound
tries=100 # a signal is heard when the broker has time for it
while mosquitto_pub -h localhost -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$keys/cert.pem" \
  --key "$keys/key.pem" -i other -q 1 -t skink/1/demo/dev/sound/update -n >"$fleet_work/publish.log" 2>&1; do
  tries=$((tries - 1))
  [[ $tries -gt 0 ]] || fail "the broker does not read the revocation list again"
  sleep 0.1
done
expect "the broker refuses this device's certificate (code 44)" --identity "$sound" --flash "$flash"

# A model that is too large for the storage of the device: both numbers reach the coordinator's transcript.
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=4 --set fleet.held_out=0 --set meta.cohort=4 --set meta.rounds=1 --set evaluation.every=0 --set evaluation.tasks=0
  --set evaluation.final_tasks=0 --set model.layers.0.units=260 --set model.layers.2.units=260)
fleet_configure large "$file"
fleet_start_edge large "$file" 3 "${settings[@]}"
fleet_start_qemu large mps2-an386 arm-0 "$file" 0 "${settings[@]}" >/dev/null
fleet_start_coordinator large "${settings[@]}"
fleet_wait_for_coordinator large || fail "the run did not end without the device"
"$fleet_bin/skinkctl" status --store "$fleet_work/large/store.db" | tee "$fleet_work/status.txt"
grep -q "does_not_fit.*needs [0-9]* bytes.*262144" "$fleet_work/status.txt" || fail "the coordinator does not know why"
"$fleet_bin/skink-sim" replay "$fleet_work/large/store.db" --quiet || fail "the store does not replay"
