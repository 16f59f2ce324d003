#!/usr/bin/env bash
# A device without a clock asks its time server before it checks a certificate; a second connection resumes the TLS
# session of the first; a broker that was away is found again.
set -euo pipefail
# shellcheck source=tests/firmware/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

# wait_for COUNT TEXT: until the device has said TEXT so often.
wait_for() {
  local tries=300
  until [[ $(grep -cF -- "$2" "$log") -ge $1 ]]; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || { cat "$log" && fail "the device does not say '$2' for the ${1}th time"; }
    sleep 0.1
  done
  echo "said: $(grep -F -- "$2" "$log" | tail -n 1 | tr -d '\r')"
}

fleet_begin 1
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/time_server.py" >"$fleet_work/time.log" &
fleet_pids+=("$!")
until [[ -s $fleet_work/time.log ]]; do sleep 0.05; done
time_port=$(head -n 1 "$fleet_work/time.log")
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id arm-0 \
  --broker "10.0.2.2:$fleet_port" --server-name localhost --time-server "10.0.2.2:$time_port" >/dev/null
log=$fleet_work/arm-0.log
"$fleet_root/scripts/qemu-device" --identity "$fleet_work/images/arm-0.bin" --flash "$fleet_work/arm-0.flash" \
  --clock none >"$log" 2>&1 &
fleet_pids+=("$!")
wait_for 1 "clock: asking 10.0.2.2:$time_port"
wait_for 1 "mqtt: accepted by the broker"
grep -q asked "$fleet_work/time.log" || fail "nobody asked the time server"

# Somebody with the same identity takes the session over, so the broker closes the device's connection.
mosquitto_pub -h localhost -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$fleet_work/pki/devices/arm-0/cert.pem" \
  --key "$fleet_work/pki/devices/arm-0/key.pem" -i arm-0 -q 1 -t skink/1/demo/dev/arm-0/update -m x
wait_for 1 "again in"
wait_for 2 "mqtt: accepted by the broker"
wait_for 1 "session resumed"

fleet_stop_one "$fleet_broker_pid"
wait_for 2 "again in"
fleet_start_broker
wait_for 3 "mqtt: accepted by the broker"
