#!/usr/bin/env bash
# Clients in Python, written from the documents, learn with skink-coordinator: the run ends with the hash that the test
# vectors and the reference have for the experiment.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "a fleet of clients in Python"
if ! /usr/bin/python3 -c 'import numpy, paho.mqtt.client' 2>/dev/null; then
  echo "SKIPPED: a fleet of clients in Python: python3-numpy or python3-paho-mqtt is not installed"
  exit 0
fi

# learn NAME EXPERIMENT DEVICES SETTING...
learn() {
  local name=$1 file=$2 devices=$3 fleet reference i
  shift 3
  fleet_configure "$name" "$file"
  sed -i "s/^\[fleet\]$/[fleet]\n${setting:-}/" "$fleet_work/$name/coordinator.toml"
  export CONFORMANCE_HOST=127.0.0.1 CONFORMANCE_PORT=$fleet_port CONFORMANCE_PKI=$fleet_work/pki CONFORMANCE_FLEET=demo \
    CONFORMANCE_EXPERIMENT=$file
  local pids=()
  for ((i = 0; i < devices; i++)); do
    CONFORMANCE_ID=device-00$i "$SKINK_PYTHON" "$fleet_root/tests/conformance/python_device.py" \
      >>"$fleet_work/$name/device-$i.log" 2>&1 &
    pids+=("$!")
    fleet_pids+=("$!")
  done
  fleet_edge_pid=${pids[0]}
  fleet_start_coordinator "$name" "$@"
  fleet_wait_for_coordinator "$name" || fail "$name: the run did not end"
  for i in "${pids[@]}"; do fleet_stop_one "$i"; done
  fleet=$(summary_field "$fleet_work/$name/fleet/summary.json" model_sha256)
  reference=$("$SKINK_PYTHON" "$fleet_root/tests/golden/reference.py" "$file" "$@" | sed 's/.*"model_sha256": "\([0-9a-f]*\)".*/\1/')
  echo "$name: fleet $fleet reference $reference"
  [[ $fleet == "$reference" ]] || fail "$name: the hashes differ"
}

fleet_begin 7
learn vectors "$fleet_root/tests/conformance/vectors.toml" 4
grep -q "$(summary_field "$fleet_work/vectors/fleet/summary.json" model_sha256)" "$fleet_root/docs/vectors/learning.json" ||
  fail "docs/vectors/learning.json has another hash"
setting='model_chunk_bytes = 256' learn small-chunks "$fleet_root/tests/conformance/vectors.toml" 4
learn patches "$fleet_root/scripts/lib/conformance/fleet.toml" 7
