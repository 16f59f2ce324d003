#!/usr/bin/env bash
# A Raspberry Pi Pico with a W5500, emulated (tests/firmware/pico): address by DHCP, time, TLS, and rounds of a fleet beside three
# host clients. The model is the simulator's. Its frames go through the user network of a QEMU that has no board.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
# shellcheck source=tests/firmware/pico/pico_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/pico/pico_lib.sh"
need_tool qemu-system-arm
need_pico
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=4 --set fleet.held_out=0 --set meta.cohort=4 --set meta.rounds=2 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=600000 --set fleet.offline_ms=600000)
fleet_begin 3
fleet_configure pico "$file"
fleet_start_edge pico "$file" 3 "${settings[@]}"

/usr/bin/python3 "$fleet_root/tests/firmware/time_server.py" >time.log &
fleet_pids+=("$!")
until [[ -s time.log ]]; do sleep 0.05; done
"$fleet_bin/skinkctl" provision --fleet demo --pki pki --out images --id pico-1 --broker "10.0.2.2:$fleet_port" \
  --server-name localhost --time-server "10.0.2.2:$(head -n 1 time.log)" >/dev/null
"$fleet_bin/skink-sim" record "$file" --device-index 3 --out pico.samples "${settings[@]}" >/dev/null
"$fleet_root/scripts/make-uf2" --family rp2040 --out pico.uf2 "$pico_build/skink-client.elf" \
  images/pico-1.bin@0x1007F000 pico.samples@0x10080000 >/dev/null

read -r board_port network_port < <(free_udp_ports)
qemu-system-arm -M none -display none -monitor none -serial none \
  -netdev user,id=user -netdev "socket,id=board,udp=127.0.0.1:$board_port,localaddr=127.0.0.1:$network_port" \
  -netdev hubport,id=a,hubid=0,netdev=user -netdev hubport,id=b,hubid=0,netdev=board 2>network.log &
fleet_pids+=("$!")
node "$pico_here/board.mjs" pico.uf2 --network "$board_port:$network_port" --seconds 3000 >board.log 2>&1 &
board=$!
fleet_pids+=("$board")

fleet_start_coordinator pico "${settings[@]}"
fleet_wait_for_coordinator pico || { cat board.log && fail "the run did not end"; }
grep -q "^tls: connected" board.log || { cat board.log && fail "the board was not in the fleet"; }
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out simulator --quiet >/dev/null
fleet=$(summary_field pico/fleet/summary.json model_sha256)
simulator=$(summary_field simulator/summary.json model_sha256)
accepted=$(grep -c "accepted" board.log || true)
echo "with an emulated Pico $fleet, simulator $simulator; the board said 'accepted' $accepted times"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
