#!/usr/bin/env bash
# A fleet in bad company: a device that is stopped for good, one that sends nonsense with a valid certificate, births
# of another version, a message beyond the broker's limit. The run finishes, every refusal is counted, and the store
# replays to the same model. Then the programs with wrong certificates, keys, configuration and brokers.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "faults over a broker"

file=$fleet_root/experiments/sine.toml
settings=(--set meta.rounds=600 --set fleet.devices=12 --set fleet.held_out=3 --set meta.cohort=4 --set evaluation.every=0
  --set evaluation.tasks=6 --set evaluation.final_tasks=6 --set fleet.deadline_ms=4000)
fleet_begin 14

# publish DEVICE TOPIC ARGUMENT...: as that device, with its own certificate
publish() {
  local id=$1 topic=$2 home=$fleet_work/pki/devices/$1
  shift 2
  mosquitto_pub -h 127.0.0.1 -p "$fleet_port" --cafile "$fleet_work/pki/ca.pem" --cert "$home/cert.pem" \
    --key "$home/key.pem" -i "$id-extra" -q 1 -t "skink/1/demo/dev/$id/$topic" "$@"
}

# seal DEVICE KIND: standard input with the code that the device's messages of this kind have (docs/protocol.md, section 2)
seal() {
  /usr/bin/python3 -c 'import hashlib, hmac, sys
device, kind, key = sys.argv[1:]
content = sys.stdin.buffer.read()
message = b"skink/1/%s\0%s\0" % (kind.encode(), device.encode()) + content
sys.stdout.buffer.write(content + hmac.digest(bytes.fromhex(open(key).read()), message, hashlib.sha256)[:16])' \
    "$1" "$2" "$fleet_work/pki/devices/$1/hmac.key"
}

# ---- a run with bad company ----
fleet_configure run "$file"
fleet_start_edge run "$file" 11 "${settings[@]}"
"$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo \
  --identity "$fleet_work/pki" --id device-011 --quiet "${settings[@]}" >"$fleet_work/run/last.log" 2>&1 &
last=$!
fleet_pids+=("$last")
fleet_start_coordinator run "${settings[@]}"
rounds_done() {
  "$fleet_bin/skinkctl" status --store "$fleet_work/run/store.db" 2>/dev/null | awk '/^rounds/ {print $2}'
}
wait_for_round() { while [[ $(rounds_done || true) -lt $1 ]]; do sleep 0.02; done; }

wait_for_round 5
kill -9 "$last" # device-011 is gone; the broker publishes its will
publish device-000 update -m x                            # one byte
publish device-000 update -m ''                           # none
head -c 3000 /dev/urandom | publish device-001 update -s  # no authentication code
printf '\xff\xff\xff\xff\xff' | publish device-002 state -s
printf '\xff\xff\xff\xff\xff' | seal device-002 state | publish device-002 state -s
printf '\x0a\x06\x08\x02\x10\x63\x18\x02\x10\x01' | seal device-012 state | publish device-012 state -s # arithmetic 99
publish device-012 state -m ''                            # no bytes are the will: offline
head -c 100000000 /dev/zero | publish device-001 update -s 2>/dev/null || true # 100 MB: beyond the broker's limit
[[ $(rounds_done) -lt 600 ]] || fail "the run was over before it was disturbed"
fleet_wait_for_coordinator run || fail "the coordinator did not finish"
status=$("$fleet_bin/skinkctl" status --store "$fleet_work/run/store.db")
echo "$status"
grep -q "finished" <<<"$status" || fail "the run is not finished"
grep -Eq "^refused +[1-9][0-9]* wrong_authentication" <<<"$status" || fail "forged updates and births were not counted"
grep -Eq "^refused +[1-9][0-9]* malformed" <<<"$status" || fail "damaged births were not counted"
grep -Eq "^refused +[1-9][0-9]* version_mismatch" <<<"$status" || fail "births of another version were not counted"
grep -q "replaced" <<<"$status" || fail "the device that vanished was not replaced"
"$fleet_bin/skink-sim" replay "$fleet_work/run/store.db" --quiet || fail "the store does not replay"
fleet_stop_one "$fleet_coordinator_pid"
fleet_stop_one "$fleet_edge_pid"

# ---- programs that must refuse ----
# expect CODE TEXT COMMAND...: exits with CODE and says TEXT
expect() {
  local wanted=$1 text=$2 code=0 output
  shift 2
  output=$(timeout 60 "$@" 2>&1) || code=$?
  [[ $code -eq $wanted ]] || fail "exit code $code instead of $wanted: $* : $output"
  grep -qiE -- "$text" <<<"$output" || fail "no '$text' in the message of: $* : $output"
}
edge=("$fleet_bin/skink-edge" --experiment "$file" --fleet demo --quiet)
"$fleet_root/scripts/make-pki" "$fleet_work/other" --count 1 --fleet demo >/dev/null
"$fleet_root/scripts/make-pki" "$fleet_work/pki" --count 0 --expired device-old --fleet demo >/dev/null
here=127.0.0.1:$fleet_port
expect 5 "certificate" "${edge[@]}" --broker "$here" --identity "$fleet_work/other" --id device-000
expect 5 "expired" "${edge[@]}" --broker "$here" --identity "$fleet_work/pki" --id device-old
expect 5 "device-none" "${edge[@]}" --broker "$here" --identity "$fleet_work/pki" --id device-none
expect 6 "" "${edge[@]}" --broker "127.0.0.1:1" --identity "$fleet_work/pki" --id device-000 --connect-timeout 2
expect 2 "--experiment" "$fleet_bin/skink-edge" --broker "$here"
expect 4 "omniglot" env -u SKINK_DATA "$fleet_bin/skink-edge" --experiment "$fleet_root/experiments/omniglot-5w5s.toml" \
  --broker "$here" --fleet demo --identity "$fleet_work/pki" --id device-000

config=$fleet_work/run/coordinator.toml
coordinator=("$fleet_bin/skink-coordinator" run)
expect 0 "sound" "${coordinator[@]}" --config "$config" --check-config
expect 3 "meta.rounds" "${coordinator[@]}" --config "$config" --check-config --set meta.rounds=0
expect 3 "another experiment" "${coordinator[@]}" --config "$config"
sed 's/^port = .*/prot = 1/' "$config" >"$fleet_work/bad.toml"
expect 3 "bad.toml:[0-9]+: .*prot" "${coordinator[@]}" --config "$fleet_work/bad.toml" --check-config
sed 's/^port = .*/port = "many"/' "$config" >"$fleet_work/bad.toml"
expect 3 "bad.toml:[0-9]+: .*port" "${coordinator[@]}" --config "$fleet_work/bad.toml" --check-config
echo "not a key" >"$fleet_work/bad.key"
sed "s|^master_key = .*|master_key = \"$fleet_work/bad.key\"|" "$config" >"$fleet_work/bad.toml"
expect 5 "64 hexadecimal" "${coordinator[@]}" --config "$fleet_work/bad.toml" --check-config
sed -e "s|^ca = .*|ca = \"$fleet_work/other/ca.pem\"|" -e 's|^store = .*|store = "new.db"|' "$config" >"$fleet_work/bad.toml"
expect 5 "certificate" "${coordinator[@]}" --config "$fleet_work/bad.toml" "${settings[@]}"
sed -e 's|^store = .*|store = "/proc/none/store.db"|' "$config" >"$fleet_work/bad.toml"
expect 8 "/proc/none" "${coordinator[@]}" --config "$fleet_work/bad.toml" "${settings[@]}"
expect 8 "No space left" "$fleet_bin/skinkctl" model export --store "$fleet_work/run/store.db" /dev/full
expect 8 "absent.db" "$fleet_bin/skinkctl" status --store "$fleet_work/absent.db"

sim=("$fleet_bin/skink-sim" run --quiet --out "$fleet_work/out")
expect 8 "bad.toml/out: cannot be created" "$fleet_bin/skink-sim" run "$file" --out "$fleet_work/bad.toml/out"
expect 3 "sine.toml|--set.*layers" "${sim[@]}" "$file" --set 'model.layers.0.type="lstm"'
expect 3 "rates" "${sim[@]}" "$file" --set meta.rates=3
expect 3 "" "${sim[@]}" "$fleet_work/absent.toml"
expect 4 "omniglot.*--data|--data.*omniglot" env -u SKINK_DATA "${sim[@]}" "$fleet_root/experiments/omniglot-5w5s.toml"
mkdir -p "$fleet_work/data"
"$SKINK_PYTHON" "$fleet_root/tests/data/make_images.py" "$fleet_work/data/images" >/dev/null
truncate -s 1000 "$fleet_work/data/images/x.npy"
expect 4 "x.npy" "${sim[@]}" "$fleet_root/experiments/images-5w5s.toml" --data "$fleet_work/data"
head -c 2000 "$fleet_work/run/fleet/model.skm" >"$fleet_work/short.skm"
expect 4 "too early" "$fleet_bin/skinkctl" model show "$fleet_work/short.skm"
cp "$fleet_work/run/fleet/model.skm" "$fleet_work/bent.skm"
printf '\x55' | dd of="$fleet_work/bent.skm" bs=1 seek=700 conv=notrunc status=none
expect 4 "damaged" "$fleet_bin/skinkctl" model show "$fleet_work/bent.skm"
echo "all refused as they must be"
