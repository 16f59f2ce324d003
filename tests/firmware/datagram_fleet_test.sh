#!/usr/bin/env bash
# The embedded device as a process that speaks in datagrams, over UDP and DTLS, through a network that loses 10 % and 30 % of
# them, repeats some and lets others be overtaken; a bridge; a real broker and coordinator. Fleets end with the simulator's hash. A node and
# the bridge are killed (-9) and come back. A node sleeps whenever nothing waits for it. One whose key is not its id's gets nowhere.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "devices over datagrams"

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=8 --set fleet.held_out=2 --set meta.cohort=6 --set meta.rounds=4 --set evaluation.every=2
  --set evaluation.tasks=8 --set evaluation.final_tasks=16 --set fleet.deadline_ms=600000 --set fleet.offline_ms=600000)
nodes=(node-0 node-1 node-2 node-3)
fleet_begin 4
fleet_relay_pid=

start_bridge() {
  "$fleet_bin/skink-edge" bridge --listen "127.0.0.1:$bridge_port" --broker "127.0.0.1:$fleet_port" --fleet demo \
    --identity "$fleet_work/pki" --nodes 16 --verbose >>"$fleet_work/bridge.log" 2>&1 &
  bridge_pid=$!
  fleet_pids+=("$bridge_pid")
}

# start_relay LOSS SEED: in relay_port
start_relay() {
  /usr/bin/python3 "$fleet_root/tests/firmware/lossy_datagrams.py" "$bridge_port" "$1" "$2" "$fleet_work/counts" \
    >"$fleet_work/relay.port" 2>"$fleet_work/relay.log" &
  fleet_relay_pid=$!
  fleet_pids+=("$fleet_relay_pid")
  for _ in $(seq 100); do
    [[ ! -s $fleet_work/relay.port ]] || break
    sleep 0.05
  done
  relay_port=$(cat "$fleet_work/relay.port")
}

# start_node RUN ID: in node_pid; node-3 sleeps
start_node() {
  local options=()
  [[ $2 != node-3 ]] || options=(--sleep 2)
  "$fleet_bin/skink-device" --identity "$fleet_work/processes/$2.bin" --recording "$fleet_work/$1/$2.samples" \
    --flash "$fleet_work/$1/$2.flash" --bridge "127.0.0.1:$relay_port" "${options[@]}" >>"$fleet_work/$1/$2.log" 2>&1 &
  node_pid=$!
  fleet_pids+=("$node_pid")
}

# slept RUN: how often node-3 did
slept() { grep -c "asleep, the bridge keeps what comes" "$fleet_work/$1/node-3.log" || true; }

# killed PID: as a power failure would end it
killed() {
  kill -KILL "$1"
  fleet_stop_one "$1"
}

# begin RUN LOSS: everything but the coordinator; the pid of node-0 is in victim
begin() {
  local i
  fleet_configure "$1" "$file"
  start_bridge
  start_relay "$2" "$RANDOM"
  for i in 0 1 2 3; do
    "$fleet_bin/skink-sim" record "$file" --device-index $((4 + i)) --out "$fleet_work/$1/${nodes[i]}.samples" "${settings[@]}" >/dev/null
    start_node "$1" "${nodes[i]}"
    [[ $i -ne 0 ]] || victim=$node_pid
    run_pids+=("$node_pid")
  done
  fleet_start_edge "$1" "$file" 4 "${settings[@]}"
  fleet_start_coordinator "$1" "${settings[@]}" --updates "$fleet_work/$1/fleet.csv"
}

# end RUN: waits for the coordinator, compares with the simulator, and stops what begin() started
end() {
  local i pid fleet came lost
  if ! fleet_wait_for_coordinator "$1"; then
    tail -n 15 "$fleet_work/$1"/node-*.log "$fleet_work/bridge.log" "$fleet_work/relay.log"
    fail "$1: the run did not end"
  fi
  fleet=$(summary_field "$fleet_work/$1/fleet/summary.json" model_sha256)
  [[ $fleet == "$simulator" ]] || fail "$1: the fleet's hash is $fleet, the simulator's $simulator"
  [[ $(grep -c ",node-" "$fleet_work/$1/fleet.csv") -ge 4 ]] || fail "$1: the nodes sent too few updates to compare"
  "$fleet_bin/skink-sim" replay "$fleet_work/$1/store.db" --updates "$fleet_work/$1/simulator.csv" --quiet
  diff <(sort -u "$fleet_work/$1/fleet.csv") <(sort -u "$fleet_work/$1/simulator.csv") || fail "$1: updates differ"
  for i in "${nodes[@]}"; do
    grep -qE "round [0-9]+: accepted" "$fleet_work/$1/$i.log" || fail "$1: $i did nothing: $(cat "$fleet_work/$1/$i.log")"
  done
  for _ in $(seq 1200); do  # where rounds follow one another at once it has no time before they are over
    [[ $(slept "$1") -lt 3 ]] || break
    sleep 0.1
  done
  [[ $(slept "$1") -ge 3 ]] || fail "$1: node-3 hardly slept: $(cat "$fleet_work/$1/node-3.log")"
  [[ ! -s $fleet_work/relay.log ]] || fail "$1: $(cat "$fleet_work/relay.log")"
  read -r came lost <"$fleet_work/counts"
  echo "$1: $(grep -c ",node-" "$fleet_work/$1/fleet.csv") updates of nodes, $lost of $came datagrams lost, fleet $fleet simulator $simulator"
  for pid in "${run_pids[@]}" "$fleet_edge_pid" "$fleet_relay_pid" "$bridge_pid"; do fleet_stop_one "$pid"; done
  run_pids=()
}

run_pids=()
bridge_port=$(free_port)
for id in "${nodes[@]}"; do
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/processes" --id "$id" \
    --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
done
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/simulator" --quiet >/dev/null
simulator=$(summary_field "$fleet_work/simulator/summary.json" model_sha256)

begin loss-0.3 0.3
end loss-0.3

# A node is killed in the run, then the bridge; both come back, the node from its flash.
begin kills 0.1
for _ in $(seq 3000); do
  ! grep -qE "round [0-9]+: accepted" "$fleet_work/kills/node-0.log" || break
  sleep 0.1
done
killed "$victim"
start_node kills node-0
run_pids+=("$node_pid")
sleep 1
kill -0 "$fleet_coordinator_pid" 2>/dev/null || fail "the run was over before it was disturbed"
killed "$bridge_pid"
start_bridge
end kills
grep "^node-0 of fleet" "$fleet_work/kills/node-0.log" | tail -n 1 | grep -q "start 2, .*has a model" ||
  fail "node-0 did not go on from its flash: $(cat "$fleet_work/kills/node-0.log")"
grep -q "the bridge is silent" "$fleet_work/kills/node-1.log" || fail "the bridge was not missed: $(cat "$fleet_work/kills/node-1.log")"

# Another fleet's identity of the same name opens nothing.
mkdir -p "$fleet_work/stranger"
"$fleet_root/scripts/make-pki" "$fleet_work/other" --count 0 --fleet demo >/dev/null
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/other" --out "$fleet_work/foreign" --id node-0 \
  --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
: >"$fleet_work/bridge.log"
start_bridge
timeout 5 "$fleet_bin/skink-device" --identity "$fleet_work/foreign/node-0.bin" --recording "$fleet_work/kills/node-0.samples" \
  --flash "$fleet_work/stranger/flash" --bridge "127.0.0.1:$bridge_port" >"$fleet_work/stranger/log" 2>&1 || true
grep -q "the bridge refuses this device's key" "$fleet_work/stranger/log" || fail "a wrong key: $(cat "$fleet_work/stranger/log")"
! grep -q "DTLS is up" "$fleet_work/stranger/log" "$fleet_work/bridge.log" || fail "a wrong key opened a session"
echo "a wrong key is refused"
