#!/usr/bin/env bash
# The limits of the broker that skinkctl init makes: 500 devices come up at once and learn; then one of them, with a valid
# certificate, publishes as fast as it can: rounds go on, and the broker's memory grows by a bounded amount.
#
#   SKINK_FLEET=500 SKINK_FLOOD_S=10
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "the broker's limits"
ctl=$fleet_bin/skinkctl
file=$fleet_root/experiments/sine.toml
devices=${SKINK_FLEET:-500}
seconds=${SKINK_FLOOD_S:-10}
most_mb=64
settings=(--set "fleet.devices=$devices" --set fleet.held_out=10 --set meta.cohort=20 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=2 --set meta.rounds=1000000)
unset SKINK_URL SKINK_TOKEN_FILE
chmod 755 "$fleet_work"
cd "$fleet_work"

rounds_done() { "$ctl" runs show 1 | awk '/^rounds_done/ {print $2}'; }
memory_kb() { awk '/^VmRSS/ {print $2}' "/proc/$broker/status"; }
peak_kb() { awk '/^VmHWM/ {print $2}' "/proc/$broker/status"; }
# rounds_in SECONDS
rounds_in() {
  local before
  before=$(rounds_done)
  sleep "$1"
  echo $(($(rounds_done) - before))
}

fleet_port=$(free_port)
"$ctl" init gw --fleet plant --host localhost --devices "$devices" --port "$fleet_port" --bind 127.0.0.1 \
  "${fleet_dialect[@]}" >said
"$ctl" provision --fleet plant --pki gw/pki --broker "localhost:$fleet_port" --count "$((devices + 1))" >said
export SKINK_SOCKET=$fleet_work/gw/state/api.sock
"$fleet_mosquitto" -c gw/broker/mosquitto.conf >broker.log 2>&1 &
broker=$!
fleet_pids+=("$broker")
wait_for_port "$fleet_port" 10 || fail "no broker: $(cat broker.log)"
"$fleet_bin/skink-coordinator" --config gw/coordinator.toml >service.log 2>&1 &
fleet_pids+=("$!")
"$fleet_bin/skink-edge" --experiment "$file" "${settings[@]}" --broker "127.0.0.1:$fleet_port" --fleet plant \
  --identity gw/pki --count "$devices" --quiet >edge.log 2>&1 &
fleet_pids+=("$!")
for ((i = 0; i < 300; i++)); do
  [[ ! -S $SKINK_SOCKET ]] || break
  sleep 0.1
done
"$ctl" runs queue "$file" "${settings[@]}" >said
for ((i = 0; i < 600; i++)); do
  [[ $(rounds_done) -lt 10 ]] || break
  sleep 0.1
done
[[ $i -lt 600 ]] || fail "no rounds: $("$ctl" status); $(tail -n 5 service.log edge.log)"
echo "$devices devices are there after $((i / 10)) s and learn"

quiet=$(rounds_in "$seconds")
before=$(memory_kb)
flooder=$(printf 'device-%03d' "$devices")
head -c 4000 /dev/zero | tr '\0' x >line
for quality in 0 1; do
  # Straight from `yes`: no pause between messages.
  # shellcheck disable=SC2016 # expanded by the shell that is started
  setsid bash -c 'yes "$(cat line)" | mosquitto_pub -h 127.0.0.1 -p "$1" --cafile gw/pki/ca.pem --cert "gw/pki/devices/$2/cert.pem" \
    --key "gw/pki/devices/$2/key.pem" -q "$3" -l -t "skink/1/plant/dev/$2/update"' _ "$fleet_port" "$flooder" "$quality" >flood.log 2>&1 &
  flood=$!
  sleep 1
  flooded=$(rounds_in "$seconds")
  for ((i = 0; i < 50 && flooded == 0; i++)); do # programs of a sanitizer's build have more time
    [[ -n ${SKINK_SANITIZE:-} ]] || break
    flooded=$(rounds_in 1)
  done
  kill -0 "$flood" 2>/dev/null || fail "the flood has ended by itself: $(cat flood.log)"
  kill -TERM -- "-$flood" 2>/dev/null || true
  wait "$flood" 2>/dev/null || true
  grown=$((($(peak_kb) - before) / 1024))
  echo "QoS $quality: $quiet rounds in $seconds s without the flood, $flooded with it; the broker had $((before / 1024)) MB and grew by $grown MB"
  [[ $flooded -gt 0 ]] || fail "rounds stop: $("$ctl" status)"
  [[ $grown -le $most_mb ]] || fail "the broker grew by more than $most_mb MB"
done
