#!/usr/bin/env bash
# A device on a slow link downloads a model of 38.5 KB once: a round finishes, and what goes over the link is at most 1.15 times
# the model beside what a connection costs.
#
#   SKINK_LINKS="800:0 200:0 1100:0.1 1100:0.3"     bytes a second : share of packets that are lost
#   SKINK_SEED=1                                    of which packets are lost
#   SKINK_CHUNK_BYTES=512                           [fleet] model_chunk_bytes: of what a lost connection repeats
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=1 --set fleet.held_out=0 --set meta.cohort=1 --set meta.rounds=1 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=3600000 --set fleet.offline_ms=600000
  --set codec.uplink=topk:0.01+ternary --set model.layers.0.units=96 --set model.layers.2.units=96)
fleet_begin 0
here=$(dirname "${BASH_SOURCE[0]}")

# over RATE LOSS: one run over such a link
over() {
  local name=link-$1-$2 tries link_port connected down model
  mkdir -p "$fleet_work/$name"
  /usr/bin/python3 "$here/slow_link.py" "$fleet_port" "$1" "$2" "${SKINK_SEED:-1}" "$fleet_work/$name/counts" >"$fleet_work/$name/port" &
  fleet_pids+=("$!")
  until [[ -s $fleet_work/$name/port ]]; do sleep 0.05; done
  link_port=$(cat "$fleet_work/$name/port")
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id arm-0 --force \
    --server-name localhost --broker "10.0.2.2:$link_port" >/dev/null
  fleet_configure "$name" "$file"
  sed -i "s/^\[fleet\]$/[fleet]\nmodel_chunk_bytes = ${SKINK_CHUNK_BYTES:-4096}/" "$fleet_work/$name/coordinator.toml"
  fleet_start_qemu "$name" mps2-an386 arm-0 "$file" 0 "${settings[@]}" >/dev/null
  fleet_edge_pid=$fleet_qemu_pid
  for ((tries = 3000; tries > 0; --tries)); do
    ! grep -q "accepted by the broker" "$fleet_work/$name/arm-0.log" || break
    sleep 0.1
  done
  [[ $tries -gt 0 ]] || { cat "$fleet_work/$name/arm-0.log" && fail "no connection over $1 bytes a second, loss $2"; }
  connected=$(cut -d ' ' -f 1 "$fleet_work/$name/counts")
  fleet_start_coordinator "$name" "${settings[@]}" 2>"$fleet_work/$name/coordinator.log"
  fleet_wait_for_coordinator "$name" >/dev/null || { cat "$fleet_work/$name"/*.log && fail "the round does not finish"; }
  down=$(cut -d ' ' -f 1 "$fleet_work/$name/counts")
  model=$(stat -c %s "$fleet_work/$name/fleet/model.skm")
  echo "$1 bytes a second, $2 of the packets lost: $((down - connected)) bytes to the device for a model of $model, $connected to connect"
  for ((tries = 1200; tries > 0; --tries)); do  # the reply is on its way still
    ! grep -q "accepted$" <(tr -d '\r' <"$fleet_work/$name/arm-0.log") || break
    sleep 0.1
  done
  fleet_stop_one "$fleet_qemu_pid"
  [[ $tries -gt 0 ]] || { cat "$fleet_work/$name/arm-0.log" && fail "the device does not hear that its update was accepted"; }
  [[ $(((down - connected) * 100)) -le $((model * 115)) ]] || { cat "$fleet_work/$name/arm-0.log" && fail "more than 1.15 times the model"; }
}

for link in ${SKINK_LINKS:-800:0}; do over "${link%:*}" "${link#*:}"; done
