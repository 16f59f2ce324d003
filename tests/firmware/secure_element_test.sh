#!/usr/bin/env bash
# A device whose TLS is OpenSSL, and whose key a token of PKCS #11 keeps (SoftHSM): the key is made in the token, a request for its
# certificate is signed there, `skinkctl provision --request` answers it, and each handshake with the broker is signed there.
# Beside it one with its key in its image, and host clients: the run ends with the simulator's hash.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "a key in a secure element"
engine=$(find /usr/lib -path "*/engines-3/pkcs11.so" 2>/dev/null | head -n 1)
module=$(find /usr/lib -name libsofthsm2.so 2>/dev/null | head -n 1)
for program in softhsm2-util pkcs11-tool; do
  if [[ -z $engine || -z $module ]] || ! command -v "$program" >/dev/null; then
    echo "SKIPPED: a key in a secure element: softhsm2, opensc or libengine-pkcs11-openssl is not installed"
    exit 0
  fi
done
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=6 --set fleet.held_out=0 --set meta.cohort=6 --set meta.rounds=10 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=600000 --set fleet.offline_ms=600000)
fleet_begin 4
fleet_configure run "$file"
cd "$fleet_work"

# ---- the element ----
export SOFTHSM2_CONF=$fleet_work/softhsm2.conf
mkdir tokens
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$fleet_work/tokens" >softhsm2.conf
softhsm2-util --init-token --free --label element --pin 4711 --so-pin 0815 >token.log
echo 4711 >pin
tool() { pkcs11-tool --module "$module" --token-label element --login --pin 4711 "$@" 2>&1; }
tool --keypairgen --key-type EC:prime256v1 --label pump --id 01 --usage-sign >key.log
tool --list-objects --type privkey >objects
grep "Access:" objects | grep -q "never extractable" || fail "the token lets its key out: $(cat objects)"
address="pkcs11:token=element;object=pump;type=private"
cat >openssl.cnf <<CNF
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
MODULE_PATH = $module
PIN = 4711
init = 1
[req]
distinguished_name = name
[name]
CNF
request_for() { # NAME FILE
  OPENSSL_CONF=$fleet_work/openssl.cnf openssl req -new -engine pkcs11 -keyform engine -key "$address" -subj "/CN=$1" -out "$2" 2>openssl.log ||
    fail "the token signs no request: $(cat openssl.log)"
}
request_for pump pump.csr

# ---- its certificate ----
provision() {
  "$fleet_bin/skinkctl" provision --fleet demo --pki pki --out processes --broker "127.0.0.1:$fleet_port" --server-name localhost "$@"
}
refused() { # REASON ARGUMENT...
  local reason=$1
  shift
  if provision "$@" >refused.log 2>&1; then fail "provision $* is not refused"; fi
  grep -q -- "$reason" refused.log || fail "provision $* is refused for another reason: $(cat refused.log)"
}
request_for other other.csr
refused "for another name" --id pump --request other.csr --key-name "$address"
refused "comes with the name of its key" --id pump --request pump.csr
refused "is for one device" --id pump pump-2 --request pump.csr --key-name "$address"
openssl req -in pump.csr -outform DER -out pump.der
printf '\x01' | dd of=pump.der bs=1 seek=$(($(stat -c %s pump.der) - 3)) conv=notrunc status=none
refused "not signed by its own key" --id pump --request pump.der --key-name "$address"
[[ ! -e pki/devices/pump && ! -e processes/pump.bin ]] || fail "a refused request left something"
provision --id pump --request pump.csr --key-name "$address" >provision.log
[[ -e pki/devices/pump/cert.pem && ! -e pki/devices/pump/key.pem ]] || fail "the device's folder: $(ls pki/devices/pump)"
"$fleet_bin/skinkctl" identity show processes/pump.bin | grep -F "in a secure element, as '$address'" || fail "the image does not name its key"

# ---- the fleet ----
# start ID INDEX OPTION...: the roster is sorted: device-000 .. device-003, plain, pump
start() {
  local id=$1 index=$2
  shift 2
  "$fleet_bin/skink-sim" record "$file" --device-index "$index" --out "run/$id.samples" "${settings[@]}" >/dev/null
  "$fleet_bin/skink-openssl-device" --identity "processes/$id.bin" --recording "run/$id.samples" --flash "run/$id.flash" "$@" \
    >"run/$id.log" 2>&1 &
  device_pid=$!
  fleet_pids+=("$device_pid")
}
provision --id plain >>provision.log
fleet_start_edge run "$file" 4 "${settings[@]}"
start plain 4

# Without its token, with another's PIN: no connection, whatever else the device has.
"$fleet_bin/skink-sim" record "$file" --device-index 5 --out run/thief.samples "${settings[@]}" >/dev/null
echo 0000 >wrong-pin
for way in "" "--module $module --pin wrong-pin"; do
  code=0
  # shellcheck disable=SC2086 # options
  timeout 10 "$fleet_bin/skink-openssl-device" --identity processes/pump.bin --recording run/thief.samples --flash run/thief.flash $way \
    </dev/null >thief.log 2>&1 || code=$?
  if [[ $code -ne 1 ]] || ! grep -q "certificates and key" thief.log; then fail "without the element ($way): $code, $(cat thief.log)"; fi
done

start pump 5 --module "$module" --pin pin
fleet_start_coordinator run "${settings[@]}" --updates fleet.csv
fleet_wait_for_coordinator run || fail "the run did not end: $(tail -n 5 run/plain.log run/pump.log)"
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out simulator --quiet >/dev/null
fleet=$(summary_field run/fleet/summary.json model_sha256)
simulator=$(summary_field simulator/summary.json model_sha256)
echo "a key in a token: fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
for id in plain pump; do
  [[ $(grep -c ",$id," fleet.csv) -eq 10 ]] || fail "$id sent $(grep -c ",$id," fleet.csv) updates, not 10"
done

# The token signs each handshake: once its key is gone, the device that runs cannot come back.
fleet_stop_one "$fleet_broker_pid"
tool --delete-object --type privkey --label pump >/dev/null
fleet_start_broker
for ((i = 0; i < 100; i++)); do
  [[ $(grep -c "TLSv1" run/plain.log) -lt 2 ]] || break
  sleep 0.1
done
[[ $(grep -c "TLSv1" run/plain.log) -ge 2 ]] || fail "the other device did not come back: $(cat run/plain.log)"
for ((i = 0; i < 100; i++)); do
  [[ $(grep -c "^connection" run/pump.log) -lt 3 ]] || break
  sleep 0.1
done
[[ $(grep -c "^connection" run/pump.log) -ge 3 && $(grep -c "TLSv1" run/pump.log) -eq 1 ]] ||
  fail "without the token's key: $(grep "^connection" run/pump.log)"
grep "^connection" run/pump.log | tail -n 1
