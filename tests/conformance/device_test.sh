#!/usr/bin/env bash
# scripts/conformance passes skink-edge, and a device in Python; its command line refuses what it must.
set -euo pipefail
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "conformance of a device"

# shellcheck disable=SC2016 # for the shell that starts the device
check edge device --json "$work/edge.json" --start \
  'exec "$SKINK_BIN_DIR/skink-edge" --experiment "$CONFORMANCE_EXPERIMENT" --broker "$CONFORMANCE_HOST:$CONFORMANCE_PORT" \
    --fleet "$CONFORMANCE_FLEET" --identity "$CONFORMANCE_PKI" --id "$CONFORMANCE_ID" --arena-bytes 65536 --state "$CONFORMANCE_WORK/state" --quiet' &
edge=$!
check python device --start "exec '$SKINK_PYTHON' '$root/tests/conformance/python_device.py'" &
python=$!
failed=0
wait "$edge" || failed=1
wait "$python" || failed=1
cat "$work/edge.log" "$work/python.log"
[[ $failed -eq 0 ]] || fail "a device did not pass"
for name in edge python; do
  grep -q ", 0 failed, 0 not checked" "$work/$name.log" || fail "$name: not everything was checked"
done
"$SKINK_PYTHON" -c 'import json, sys; sys.exit(not json.load(open(sys.argv[1]))["passed"])' "$work/edge.json"

# refuses ARGUMENT...: with exit code 2
refuses() {
  local code=0
  "$root/scripts/conformance" "$@" >"$work/refused.log" 2>&1 || code=$?
  [[ $code -eq 2 ]] || fail "exit code $code of: $*: $(cat "$work/refused.log")"
}
refuses
refuses device --only no_such_check
refuses device --host 127.0.0.1
refuses device --cert file
refuses device --listen 203.0.113.1
refuses coordinator --host 127.0.0.1 --pki "$work"
"$root/scripts/conformance" device --list >"$work/list"
grep -q '^whole_model ' "$work/list" || fail "--list does not list"

# A broker that runs already: what needs the tool's own is not checked, and nothing of the check stays there.
# shellcheck source=scripts/lib/net.sh
. "$root/scripts/lib/net.sh"
# shellcheck source=scripts/lib/fleet.sh
. "$root/scripts/lib/fleet.sh"
trap 'fleet_stop; rm -rf "$work"' EXIT
fleet_root=$root fleet_bin=$SKINK_BIN_DIR fleet_work=$work/fleet
fleet_begin 1
mkdir "$fleet_work/given"
fleet_start_edge given "$root/scripts/lib/conformance/device.toml" 1
check given device --host 127.0.0.1 --port "$fleet_port" --pki "$fleet_work/pki" --own-samples --only last_will whole_model ||
  fail "with a given broker: $(cat "$work/given.log")"
grep -q "^NOT CHECKED *last_will" "$work/given.log" || fail "the connection of a device of a given broker was cut"
left=$(mosquitto_sub -h 127.0.0.1 -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$fleet_work/pki/coordinator/cert.pem" \
  --key "$fleet_work/pki/coordinator/key.pem" -t 'skink/1/demo/model/#' -W 1 -F %t 2>/dev/null || true)
[[ -z $left ]] || fail "the broker keeps $left"
fleet_stop

# Interrupted while it waits for a device that never comes: gone within a second, and nothing is left.
TMPDIR=$work env --default-signal=INT "$root/scripts/conformance" device >"$work/waits.log" 2>&1 &
pid=$!
for ((tries = 100; tries > 0; tries--)); do
  ! grep -qs "waits for the birth" "$work/waits.log" || break
  sleep 0.1
done
begin=$(date +%s%N)
kill -INT "$pid"
code=0
wait "$pid" || code=$?
took=$((($(date +%s%N) - begin) / 1000000))
[[ $code -eq 130 ]] || fail "stopped with exit code $code: $(cat "$work/waits.log")"
[[ $took -lt 1000 ]] || fail "stopped after $took ms"
[[ -z $(find "$work" -name 'skink-conformance-*') ]] || fail "files are left"
echo "stopped within $took ms"
