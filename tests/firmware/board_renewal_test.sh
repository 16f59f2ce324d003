#!/usr/bin/env bash
# An emulated device makes a new key and gets a certificate for it, of another authority, over its connection: mbedTLS 3.6 on a
# microcontroller, its flash, and a broker that trusts the former authority no more in the end. Power is cut twice on the way.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "renewal of firmware"
board=${1:-mps2-an500}
if ! command -v qemu-system-arm >/dev/null || [[ ! -f $fleet_root/build/firmware-$board/skink-client.elf ]]; then
  echo "SKIPPED: firmware for $board: qemu-system-arm is not installed, or the image was not built"
  exit 0
fi
ctl=$fleet_bin/skinkctl
unset SKINK_URL SKINK_TOKEN_FILE
chmod 755 "$fleet_work" # a broker that root has started becomes another user
cd "$fleet_work"
export SKINK_SOCKET=$fleet_work/gw/state/api.sock

start_gateway() {
  "$fleet_mosquitto" -c gw/broker/mosquitto.conf >>broker.log 2>&1 &
  broker_pid=$!
  fleet_pids+=("$broker_pid")
  wait_for_port "$fleet_port" 10 || fail "the broker does not start: $(cat broker.log)"
  "$fleet_bin/skink-coordinator" --config gw/coordinator.toml >>service.log 2>&1 &
  service_pid=$!
  fleet_pids+=("$service_pid")
}
restart_gateway() {
  fleet_stop_one "$service_pid"
  fleet_stop_one "$broker_pid"
  start_gateway
}
start_board() {
  "$fleet_root/scripts/qemu-device" --board "$board" --identity images/pump.bin --flash pump.flash >>pump.log 2>&1 &
  board_pid=$!
  fleet_pids+=("$board_pid")
}
cut_power() {
  kill -KILL "$board_pid"
  fleet_stop_one "$board_pid"
}
# until_says TEXT COMMAND...: it prints the text
until_says() {
  local text=$1 i
  shift
  for ((i = 0; i < 600; i++)); do
    [[ $("$@" 2>/dev/null) != "$text" ]] || return 0
    sleep 0.1
  done
  fail "not '$text' in 60 s, of $*: $("$@" 2>&1); $(tail -n 8 pump.log service.log broker.log)"
}
online() { "$ctl" status --json | grep -o '"devices_online":[0-9]*'; }
phase() { "$ctl" renewals --json | grep -o '"phase":"[a-z]*"'; }

fleet_port=$(free_port)
"$ctl" init gw --fleet demo --host 10.0.2.2 --devices 10 --port "$fleet_port" --bind 127.0.0.1 "${fleet_dialect[@]}" >init.log
"$ctl" provision --fleet demo --pki gw/pki --out images --broker "10.0.2.2:$fleet_port" --id pump --days 20 >said
sed -i 's/^renew_days = .*/renew_days = 0/' gw/coordinator.toml
start_gateway
start_board
until_says '"devices_online":1' online

"$ctl" certificates next-authority gw >said || fail "$(cat said)"
restart_gateway
until_says '"devices_online":1' online
"$ctl" renewals ask pump >said
until_says '"phase":"done"' phase
openssl verify -CAfile gw/pki/next/ca.pem gw/pki/devices/pump/cert.pem >/dev/null 2>&1 || fail "it is of another authority"
grep -q "other credentials are to be used" pump.log || fail "the console does not say it: $(tail pump.log)"
cut_power
start_board
until_says '"devices_online":1' online

"$ctl" certificates adopt-authority gw >said || fail "$(cat said)"
"$ctl" certificates retire-authority gw >said || fail "$(cat said)"
restart_gateway
until_says '"devices_online":1' online # with what it was made with it would be refused
cut_power
start_board
until_says '"devices_online":1' online
mv pump.flash kept.flash
cut_power
start_board
for ((i = 0; i < 300; i++)); do
  ! grep -q "not from this fleet's CA" pump.log || break
  sleep 0.1
done
grep -q "not from this fleet's CA" pump.log || fail "the factory's identity is still of use: $(tail pump.log)"
grep -o "TLS [0-9]* of [0-9]*" pump.log | sort -n -k 2 | tail -n 1
echo "a new key, a certificate of another authority, twice without power: the device is there"
