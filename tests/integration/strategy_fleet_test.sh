#!/usr/bin/env bash
# Strategies, and a scope, over a real broker with TLS: the fleet ends with the simulator's model; so does one whose coordinator is killed
# (-9) in the middle, with what its strategy keeps between rounds; and the store replays to it. What no fleet can run is refused.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "strategies over a broker"
file=$fleet_root/experiments/sine.toml
common=(--set fleet.devices=16 --set fleet.held_out=4 --set meta.cohort=6 --set meta.rounds=40 --set task.query_size=5
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=16)
fleet_begin 16

# compare NAME kill|calm SETTING...
compare() {
  local name=$1 how=$2 settings=("${common[@]}") fleet simulator
  shift 2
  for setting in "$@"; do settings+=(--set "$setting"); done
  fleet_configure "$name" "$file"
  fleet_start_edge "$name" "$file" 16 "${settings[@]}"
  fleet_start_coordinator "$name" "${settings[@]}"
  if [[ $how == kill ]]; then
    while [[ $("$fleet_bin/skinkctl" status --store "$fleet_work/$name/store.db" 2>/dev/null | awk '/^rounds/ {print $2}') -lt 10 ]]; do
      kill -0 "$fleet_coordinator_pid" || fail "$name: it ended before it was killed"
      sleep 0.02
    done
    kill -9 "$fleet_coordinator_pid"
    wait "$fleet_coordinator_pid" 2>/dev/null || true
    fleet_start_coordinator "$name" "${settings[@]}"
  fi
  fleet_wait_for_coordinator "$name" || fail "$name did not end"
  fleet_stop_one "$fleet_edge_pid"
  "$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/$name/simulator" --quiet >/dev/null
  fleet=$(summary_field "$fleet_work/$name/fleet/summary.json" model_sha256)
  simulator=$(summary_field "$fleet_work/$name/simulator/summary.json" model_sha256)
  [[ $fleet == "$simulator" ]] || fail "$name: fleet $fleet, simulator $simulator"
  "$fleet_bin/skink-sim" replay "$fleet_work/$name/store.db" --quiet | grep -q equal || fail "$name: its store does not replay"
  echo "$name: fleet, simulator and replay end with $fleet"
}

compare fedadam kill meta.strategy=fedadam
compare fedyogi kill meta.strategy=fedyogi codec.downlink=eden:1+ef meta.batch_size=4
compare fedavgm calm meta.strategy=fedavgm
compare fedprox calm meta.strategy=fedprox meta.proximal=5
compare scope kill adapt.scope=last:2 codec.downlink=topk:0.05+int8+ef codec.uplink=int8+ef evaluation.scope=head
compare fomaml calm meta.strategy=fomaml meta.batch_size=4

fleet_configure none "$file"
code=0
"$fleet_bin/skink-coordinator" run --config "$fleet_work/none/coordinator.toml" --set meta.strategy=none >"$fleet_work/none/log" 2>&1 || code=$?
[[ $code == 3 ]] || fail "a coordinator with the strategy none ended with $code"
grep -q 'strategy = "none" asks no fleet' "$fleet_work/none/log" || fail "$(cat "$fleet_work/none/log")"
