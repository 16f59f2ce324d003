#!/usr/bin/env bash
# A device without a clock asks its time server before it checks a certificate, and takes no forged answer; a second
# connection resumes the TLS session of the first; a broker that was away is found again; a revoked device cannot come
# back by its session. Servers that are silent do not hold a device.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

# wait_for COUNT TEXT [ID]: until the device has said TEXT so often.
wait_for() {
  local tries=600 log=$fleet_work/${3:-arm-0}.log
  until [[ $(grep -cF -- "$2" "$log") -ge $1 ]]; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || { cat "$log" && fail "the device does not say '$2' for the ${1}th time"; }
    sleep 0.1
  done
  echo "said: $(grep -F -- "$2" "$log" | tail -n 1 | tr -d '\r')"
}

# start ID CLOCK OPTION...: provisions a device so, and starts it.
start() {
  local id=$1 clock=$2
  shift 2
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id "$id" \
    --server-name localhost "$@" >/dev/null
  "$fleet_root/scripts/qemu-device" --identity "$fleet_work/images/$id.bin" --flash "$fleet_work/$id.flash" \
    --clock "$clock" >"$fleet_work/$id.log" 2>&1 &
  fleet_pids+=("$!")
}

fleet_begin 1

# Peers that say nothing: a broker that takes the connection, a time server, a name server. They are looked at in the end.
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/silent_server.py" >"$fleet_work/silent.log" &
fleet_pids+=("$!")
until [[ -s $fleet_work/silent.log ]]; do sleep 0.05; done
silent_port=$(head -n 1 "$fleet_work/silent.log")
start silent-broker host --broker "10.0.2.2:$silent_port"
start silent-time none --broker "10.0.2.2:$fleet_port" --time-server "10.0.2.2:$silent_port"
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/time_server.py" --offset -1000000000 >"$fleet_work/slow.log" &
fleet_pids+=("$!")
until [[ -s $fleet_work/slow.log ]]; do sleep 0.05; done
slow_port=$(head -n 1 "$fleet_work/slow.log")
start no-name none --broker "10.0.2.2:$fleet_port" --time-server "nowhere.invalid:123"

/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/time_server.py" >"$fleet_work/time.log" &
fleet_pids+=("$!")
until [[ -s $fleet_work/time.log ]]; do sleep 0.05; done
time_port=$(head -n 1 "$fleet_work/time.log")
start arm-0 none --broker "10.0.2.2:$fleet_port" --time-server "10.0.2.2:$time_port"
start three none --broker "10.0.2.2:$fleet_port" --time-server "nowhere.invalid:123" \
  --time-server "10.0.2.2:$slow_port" --time-server "10.0.2.2:$time_port"
wait_for 1 "clock: asking 10.0.2.2:$time_port"
wait_for 1 "mqtt: accepted by the broker"
grep -q asked "$fleet_work/time.log" || fail "nobody asked the time server"
if grep -q "has expired" "$fleet_work/arm-0.log"; then fail "a forged answer set the clock"; fi

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

# What it kept of the session does not help a device that is revoked; another one makes a full handshake.
start arm-1 host --broker "10.0.2.2:$fleet_port"
wait_for 1 "mqtt: accepted by the broker" arm-1
takeovers=$(grep -cF "again in" "$fleet_work/arm-0.log")
"$fleet_bin/skinkctl" device revoke --pki "$fleet_work/pki" arm-0 >/dev/null
kill -HUP "$fleet_broker_pid"
sleep 1 # a signal is heard when the broker has time for it
# The broker keeps the connection; somebody with a certificate of the same name, which only the authority can make, ends it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 1 -subj "/O=demo/CN=arm-0" \
  -CA "$fleet_work/pki/ca.pem" -CAkey "$fleet_work/pki/ca.key" -keyout "$fleet_work/namesake.key" \
  -addext basicConstraints=critical,CA:FALSE -out "$fleet_work/namesake.pem" 2>/dev/null
mosquitto_pub -h localhost -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$fleet_work/namesake.pem" \
  --key "$fleet_work/namesake.key" -q 1 -t skink/1/demo/dev/arm-0/update -n
wait_for $((takeovers + 1)) "again in"
wait_for 1 "the broker refuses this device's certificate (code 44)"
other=$fleet_work/pki/devices/arm-1
mosquitto_pub -h localhost -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$other/cert.pem" \
  --key "$other/key.pem" -q 1 -t skink/1/demo/dev/arm-1/update -n
wait_for 2 "mqtt: accepted by the broker" arm-1
if grep -q "session resumed" "$fleet_work/arm-1.log"; then fail "the broker kept the sessions; say so in docs/provisioning.md"; fi

wait_for 1 "the broker does not answer" silent-broker
[[ $(grep -c connected "$fleet_work/silent.log") -ge 1 ]] || fail "the silent broker was not asked"
wait_for 2 "clock: asking" silent-time
wait_for 1 "the time server does not answer" silent-time
wait_for 1 "the time server's name cannot be resolved" no-name

# Of three time servers one has no address, and one a time at which no certificate is valid.
wait_for 1 "the time server's name cannot be resolved; the next one is asked" three
wait_for 1 "not valid yet" three
wait_for 1 "clock: asking 10.0.2.2:$time_port" three
wait_for 1 "mqtt: accepted by the broker" three
