#!/usr/bin/env bash
# Devices that connect, do one round, and sleep: processes, an emulated board, which wakes at most four times between two rounds, and
# nodes over datagrams, whose session outlasts their sleep. The model is the simulator's.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "devices that sleep"
file=$fleet_root/experiments/sine.toml
fleet_begin 0

# round_trip NAME: the run ends with the simulator's model
round_trip() {
  fleet_start_coordinator "$1" "${settings[@]}" 2>"$fleet_work/$1/coordinator.log"
  fleet_wait_for_coordinator "$1" || { tail -n 20 "$fleet_work/$1"/*.log && fail "the run does not finish"; }
  "$fleet_bin/skink-sim" run "$file" --quiet "${settings[@]}" --out "$fleet_work/$1/simulated" >/dev/null
  cmp "$fleet_work/$1/fleet/model.skm" "$fleet_work/$1/simulated/model.skm" || fail "another model than the simulator's"
}

# ---- six processes, two of which are asked in each round ----
settings=(--set fleet.devices=6 --set fleet.held_out=1 --set meta.cohort=2 --set meta.rounds=8 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=4 --set fleet.deadline_ms=120000 --set fleet.offline_ms=120000)
fleet_configure many "$file"
processes=()
for ((i = 0; i < 6; i++)); do
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/processes" --id "dev-$i" \
    --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
  "$fleet_bin/skink-sim" record "$file" --device-index "$i" --out "$fleet_work/many/dev-$i.samples" "${settings[@]}" >/dev/null
  "$fleet_bin/skink-device" --identity "$fleet_work/processes/dev-$i.bin" --recording "$fleet_work/many/dev-$i.samples" \
    --flash "$fleet_work/many/dev-$i.flash" --sleep 3 >"$fleet_work/many/dev-$i.log" 2>&1 &
  fleet_edge_pid=$!
  fleet_pids+=("$fleet_edge_pid")
  processes+=("$fleet_edge_pid")
done
round_trip many
for pid in "${processes[@]}"; do fleet_stop_one "$pid"; done
left=$(cat "$fleet_work"/many/dev-*.log | grep -c "left, until the next connection is due" || true)
[[ $left -ge 8 ]] || fail "they left $left times only"
echo "6 processes left $left times in 8 rounds, and the model is the simulator's"

# ---- a board, and a node over datagrams ----
boards=1
if ! command -v qemu-system-arm >/dev/null || [[ ! -f $fleet_root/build/firmware-mps2-an386/skink-sleeper.elf ]]; then
  echo "SKIPPED: a board that sleeps: qemu-system-arm is not installed, or the image was not built"
  boards=0
fi
devices=$((boards + 1))
settings=(--set "fleet.devices=$devices" --set fleet.held_out=0 --set "meta.cohort=$devices" --set meta.rounds=5
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=0
  --set fleet.deadline_ms=120000 --set fleet.offline_ms=120000)
fleet_configure others "$file"
if [[ $boards -eq 1 ]]; then
  fleet_image=skink-sleeper
  fleet_start_qemu others mps2-an386 arm-0 "$file" 0 "${settings[@]}" >/dev/null
fi
bridge_port=$(free_port)
"$fleet_bin/skink-edge" bridge --listen "127.0.0.1:$bridge_port" --broker "127.0.0.1:$fleet_port" --fleet demo \
  --identity "$fleet_work/pki" --nodes 4 >"$fleet_work/others/bridge.log" 2>&1 &
fleet_pids+=("$!")
fleet_process_options=(--bridge "127.0.0.1:$bridge_port" --sleep 3)
fleet_start_process others node-0 "$file" "$boards" "${settings[@]}" >/dev/null
fleet_edge_pid=$fleet_process_pid
round_trip others
asleep=$(grep -c "asleep, the bridge keeps what comes" "$fleet_work/others/node-0.log" || true)
begun=$(grep -c "DTLS is up" "$fleet_work/others/node-0.log" || true)
[[ $asleep -ge 3 && $begun -eq 1 ]] || { cat "$fleet_work/others/node-0.log" && fail "a node slept $asleep times in $begun sessions"; }
echo "a node over datagrams slept $asleep times in one session, and the model is the simulator's"
[[ $boards -eq 1 ]] || exit 0
log=$(tr -d '\r' <"$fleet_work/others/arm-0.log")
woken=$(sed -n 's/^sleep: woken \([0-9]*\) times between two connections$/\1/p' <<<"$log")
[[ $(wc -l <<<"$woken") -ge 2 ]] || { echo "$log" && fail "it did not come back twice"; }
[[ $(sort -n <<<"$woken" | tail -n 1) -le 4 ]] || { echo "$log" && fail "woken more than four times between two rounds"; }
resumed=$(grep -c "session resumed" <<<"$log" || true)
echo "a board: woken ${woken//$'\n'/, } times between connections, $resumed of them resumed TLS, and the model is the simulator's"
