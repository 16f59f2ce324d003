#!/usr/bin/env bash
# Fifty embedded devices, as processes, get new keys and certificates, and another authority, over their connections and while
# a run goes on: nobody is lost, no round is lost, and the run ends with the simulator's model. Devices are killed on the way,
# one is away, one is restored from an older flash, one refuses; what was retired is let in no more.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "renewals"
ctl=$fleet_bin/skinkctl
file=$fleet_root/experiments/sine.toml
count=50
rounds=150
settings=(--set fleet.devices="$count" --set fleet.held_out=2 --set meta.cohort=8 --set meta.rounds="$rounds"
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=4
  --set fleet.deadline_ms=600000 --set fleet.offline_ms=600000)
unset SKINK_URL SKINK_TOKEN_FILE
chmod 755 "$fleet_work" # a broker that root has started becomes another user
cd "$fleet_work"
export SKINK_SOCKET=$fleet_work/gw/state/api.sock
declare -A device_pid

start_broker() {
  "$fleet_mosquitto" -c gw/broker/mosquitto.conf >>broker.log 2>&1 &
  broker_pid=$!
  fleet_pids+=("$broker_pid")
  wait_for_port "$fleet_port" 10 || fail "the broker does not start: $(cat broker.log)"
}
start_coordinator() {
  "$fleet_bin/skink-coordinator" --config gw/coordinator.toml >>service.log 2>&1 &
  service_pid=$!
  fleet_pids+=("$service_pid")
}
restart_gateway() {
  fleet_stop_one "$service_pid"
  fleet_stop_one "$broker_pid"
  start_broker
  start_coordinator
}
start_device() { # ID
  local battery=255
  [[ $1 != dev-002 ]] || battery=15
  "$fleet_bin/skink-device" --identity "images/$1.bin" --recording "samples/$1" --flash "flash/$1" --battery $battery \
    >>"logs/$1" 2>&1 &
  device_pid[$1]=$!
  fleet_pids+=("${device_pid[$1]}")
}
kill_device() {
  kill -KILL "${device_pid[$1]}"
  fleet_stop_one "${device_pid[$1]}"
}
id_of() { printf 'dev-%03d' "$1"; }
phases() { "$ctl" renewals --json | /usr/bin/python3 -c 'import collections, json, sys
print(" ".join(f"{k}={v}" for k, v in sorted(collections.Counter(i["phase"] for i in json.load(sys.stdin)["items"]).items())))'; }
# until TEXT SECONDS COMMAND...: it prints the text
until_says() {
  local text=$1 seconds=$2 i
  shift 2
  for ((i = 0; i < 5 * seconds; i++)); do
    [[ $("$@" 2>/dev/null) != "$text" ]] || return 0
    sleep 0.2
  done
  fail "not '$text' in $seconds s, of $*: $("$@" 2>&1); $(tail -n 5 service.log broker.log)"
}
online() { "$ctl" status --json 2>/dev/null | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["devices_online"])'; }
rounds_done() { "$ctl" runs show "$1" --json 2>/dev/null | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["rounds_done"])'; }
issuer() { openssl x509 -in "$1" -noout -issuer_hash -serial | tr '\n' ' '; }

# ---- a gateway and its fleet ----
fleet_port=$(free_port)
"$ctl" init gw --fleet demo --host gateway.example --devices 100 --port "$fleet_port" --bind 127.0.0.1 "${fleet_dialect[@]}" >init.log
mkdir -p images samples flash logs
"$ctl" provision --fleet demo --pki gw/pki --out images --broker "127.0.0.1:$fleet_port" --server-name localhost --prefix dev- --count $count --days 20 >/dev/null
for ((i = 0; i < count; i++)); do
  "$fleet_bin/skink-sim" record "$file" --device-index "$i" --out "samples/$(id_of "$i")" "${settings[@]}" >/dev/null
done
sed -i 's/^renew_days = .*/renew_days = 0/' gw/coordinator.toml
start_broker
start_coordinator
for ((i = 0; i < count; i++)); do start_device "$(id_of "$i")"; done
until_says $count 60 online
cp -r gw/pki/devices before
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out simulator --quiet >/dev/null

# ---- the next authority, and new certificates of it, during a run ----
run=$("$ctl" runs queue "$file" "${settings[@]}" --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["number"])')
"$ctl" certificates next-authority gw >said || fail "$(cat said)"
[[ $(grep -c BEGIN gw/broker/ca.pem) == 2 && $(grep -c BEGIN gw/broker/crl.pem) == 2 ]] || fail "the broker is not told of both"
! "$ctl" certificates adopt-authority gw >said 2>&1 || fail "an authority is adopted that no device trusts"
grep -q "do not trust the next authority yet" said || fail "$(cat said)"
restart_gateway
until_says $count 60 online
[[ $(rounds_done "$run") -lt $rounds ]] || fail "the run was over before anything was renewed"
"$ctl" renewals ask --all >said || fail "$(cat said)"
grep -q "^$count devices are asked" said || fail "$(cat said)"
for i in 3 11 29; do # power fails at three of them on the way
  sleep 0.3
  kill_device "$(id_of $i)"
  start_device "$(id_of $i)"
done
until_says "done=$count" 120 phases
began=$(rounds_done "$run")
next=$(openssl x509 -in gw/pki/next/ca.pem -noout -subject_hash)
for ((i = 0; i < count; i++)); do
  id=$(id_of "$i")
  openssl verify -CAfile gw/pki/next/ca.pem "gw/pki/devices/$id/cert.pem" >/dev/null 2>&1 || fail "$id has another authority's certificate"
  [[ -e $(ls gw/pki/devices/"$id"/replaced-*.pem) ]] || fail "$id: the old certificate is not kept"
  ! cmp -s <(openssl x509 -in "before/$id/cert.pem" -noout -pubkey) <(openssl x509 -in "gw/pki/devices/$id/cert.pem" -noout -pubkey) ||
    fail "$id has its old key"
  [[ ! -e gw/pki/devices/$id/key.pem ]] || fail "$id: a key that is not its own is here"
done
echo "$count devices have new keys and certificates of the next authority, in round $began of $rounds"

# ---- the next authority takes over; the former one is retired ----
"$ctl" certificates adopt-authority gw >said || fail "$(cat said)"
restart_gateway
until_says $count 60 online
"$ctl" certificates retire-authority gw >said || fail "$(cat said)"
[[ $(grep -c BEGIN gw/broker/ca.pem) == 1 && ! -e gw/pki/former ]] || fail "the former authority is still there"
[[ $(openssl x509 -in gw/broker/ca.pem -noout -subject_hash) == "$next" ]] || fail "it is another authority"
restart_gateway
until_says $count 60 online
"$ctl" runs wait "$run" --timeout 300 >said 2>&1 || fail "$(cat said); $("$ctl" events | tail -5)"
fleet=$("$ctl" models --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][-1]["sha256"])')
simulator=$(summary_field simulator/summary.json model_sha256)
echo "two restarts of everything, another authority: fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
[[ $(rounds_done "$run") == "$rounds" ]] || fail "rounds were lost"
"$ctl" events --json >said
grep -c '"device.battery_low"' said >/dev/null || fail "the fleet was not told that dev-002 has a low battery"
! grep '"device.battery_low"' said | grep -v dev-002 >/dev/null || fail "whose battery is low: $(grep battery_low said)"
! "$ctl" events --json | grep -q '"replaced"'  || fail "a device was replaced: $("$ctl" events | grep replaced)"

# ---- what a device does by itself ----
# Restarted, it connects with what is in its flash. With erased flash it has the identity of the factory, which nobody knows any more.
kill_device dev-000
start_device dev-000
until_says $count 30 online
kill_device dev-001
mv flash/dev-001 flash/dev-001.kept
start_device dev-001
for ((i = 0; i < 100; i++)); do
  ! grep -q "not from this fleet's CA" logs/dev-001 || break
  sleep 0.1
done
grep -q "not from this fleet's CA" logs/dev-001 || fail "the factory's identity is still of use: $(tail -5 logs/dev-001)"
kill_device dev-001
mv flash/dev-001.kept flash/dev-001
start_device dev-001
until_says $count 30 online
# Away while it is asked; and asked by a gateway that has lost its store of renewals: the device says how far it is.
kill_device dev-002
"$ctl" renewals ask dev-002 dev-003 >/dev/null
until_says "asked=1 done=$((count - 1))" 30 phases
start_device dev-002
until_says "done=$count" 30 phases
fleet_stop_one "$service_pid"
sqlite3 gw/state/fleet.db "DELETE FROM renewals"
start_coordinator
until_says $count 30 online
"$ctl" renewals ask dev-003 >/dev/null
until_says "done=1" 30 phases
[[ $("$ctl" renewals --json | grep -o '"number":[0-9]*') == '"number":3' ]] || fail "numbers: $("$ctl" renewals)"
# Authorities that the release key has not signed are refused, and nothing changes.
cp gw/pki/authorities.release kept.release
fleet_stop_one "$service_pid"
sed -i 's#^\[certificates\]#[certificates]\ndays = 30#' gw/coordinator.toml
"$fleet_bin/skinkctl" release sign --pki gw/pki --firmware kept.release --name authorities --number 9 --out gw/pki/authorities.release >/dev/null
start_coordinator
until_says $count 30 online
! "$ctl" renewals ask dev-004 >said 2>&1 || fail "authorities that are none are sent: $(cat said)"
grep -q "authorities.release" said || fail "$(cat said)"
mv kept.release gw/pki/authorities.release
"$ctl" renewals ask dev-004 >/dev/null
until_says "done=2" 30 phases
grep -q "device.renewed" service.log || fail "nothing is said of it"
[[ $("$ctl" audit --json | grep -o '"device.renew"' | wc -l) -ge $((count + 3)) ]] || fail "the audit trail does not say who asked"
echo "away, killed, restored and refused: each as it should"
