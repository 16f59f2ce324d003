#!/usr/bin/env bash
# Programs end with the exit code that docs/exit-codes.md gives to the cause, whatever the message begins with; output
# that cannot be written is a failure; a closed terminal ends them like Ctrl-C.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
bin=$SKINK_BIN_DIR
cd "$work"
# expect CODE TEXT COMMAND...: exits with CODE and says TEXT
expect() {
  local wanted=$1 text=$2 code=0 output
  shift 2
  output=$(timeout 60 "$@" 2>&1) || code=$?
  [[ $code -eq $wanted ]] || fail "exit code $code instead of $wanted: $* : $output"
  grep -qE -- "$text" <<<"$output" || fail "no '$text' in the message of: $* : $output"
}

"$root/scripts/make-pki" pki --count 2 --fleet plant >/dev/null
cp "$root/experiments/sine.toml" .
# configure [KEY VALUE]...: coordinator.toml with these replaced
configure() {
  cat >coordinator.toml <<END
[coordinator]
experiment = "sine.toml"
store = "store.db"
[broker]
host = "127.0.0.1"
port = 1
ca = "pki/ca.pem"
certificate = "pki/coordinator/cert.pem"
key = "pki/coordinator/key.pem"
[fleet]
name = "plant"
master_key = "pki/master.key"
revoked = "pki/revoked.txt"
END
  while [[ $# -gt 0 ]]; do
    sed -i "s|^$1 = .*|$1 = \"$2\"|" coordinator.toml
    shift 2
  done
}
coordinator=("$bin/skink-coordinator" run --config coordinator.toml)
# both CODE TEXT [KEY VALUE]...: so it ends with and without --check-config
both() {
  local code=$1 text=$2
  shift 2
  configure "$@"
  expect "$code" "$text" "${coordinator[@]}" --check-config
  expect "$code" "$text" "${coordinator[@]}"
}

configure
expect 0 "is sound" "${coordinator[@]}" --check-config
echo "not a key" >bad.key
both 5 "none.key: cannot be read" master_key none.key
both 5 "bad.key: a key is 64" master_key bad.key
both 5 "none.pem" certificate none.pem
both 5 "bad.key.*not usable" key bad.key
both 5 "does not belong to" key pki/devices/device-000/key.pem
both 5 "none.txt: cannot be read" revoked none.txt
both 3 "none.toml: cannot be read" experiment none.toml
both 3 "devices = .clients. are those of a data set" experiment "$root/tests/golden/uneven.toml"
configure store /proc/none/store.db
expect 8 "/proc/none" "${coordinator[@]}"

ctl=$bin/skinkctl
expect 2 "is the folder of fleet 'plant'" "$ctl" provision --pki pki --fleet Other --broker g.local:8883 --id pump
[[ ! -e pki/devices/pump && ! -e pki/release.key ]] || fail "a refusal wrote something"
echo content >firmware.bin
cp -r pki other
echo x >other/release.key
expect 5 "release.key: not a private key" "$ctl" release sign --pki other --firmware firmware.bin --name a --out a.release
expect 8 "cannot be written" "$ctl" release sign --pki pki --firmware firmware.bin --name a --out none/a.release
expect 4 "none.bin: cannot be read" "$ctl" release sign --pki pki --firmware none.bin --name a --out a.release
if [[ $(id -u) == 0 ]]; then  # root may enter every folder, so somebody else asks
  mkdir -p closed/images && chmod 700 closed && chmod 755 "$work" && mkdir -m 777 open
  cp "$root/experiments/images-5w5s.toml" open/
  expect 4 "closed .from --data. may not be entered" setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$sim" run open/images-5w5s.toml --quiet --data closed --out open/out
fi
expect 2 "--out: is empty" "$sim" run sine.toml --quiet --out ""
expect 2 '"nan" is not a number' "$sim" codecs sine.toml --target nan --out out
expect 2 "not a whole number" "$sim" run sine.toml --quiet --out out --threads -1
expect 2 "name an experiment, or --bytes" "$sim" airtime
expect 2 "belong together" "$sim" airtime sine.toml --link rate
expect 2 "leaves no room in a frame of 51 bytes" "$sim" airtime --bytes 10 --header 90
expect 3 "asks no fleet for anything" "$sim" codecs sine.toml --set meta.strategy=none --set evaluation.every=1 --out out
expect 2 "neuron lanes" "$sim" run sine.toml --quiet --lanes neuron --set evaluation.scope=head --out out

# ---- one rule for names: what provisioning takes, the coordinator, devices and the broker's configuration take too ----
longest=$(printf 'F%.0s' {1..64})
for fleet in Plant-A _x -1 "$longest"; do
  for id in Pump-1 _y "${longest//F/i}"; do
    [[ -d pki-$fleet ]] || "$root/scripts/make-pki" "pki-$fleet" --count 0 --fleet "$fleet" >/dev/null || fail "make-pki: $fleet"
    expect 0 "1 of 1 devices" "$ctl" provision "--fleet=$fleet" --pki "pki-$fleet" --broker g.local:8883 --id "$id"
    expect 0 "device +$id of fleet $fleet" "$ctl" identity show "pki-$fleet/images/$id.bin"
  done
  configure name "$fleet" ca "pki-$fleet/ca.pem" certificate "pki-$fleet/coordinator/cert.pem" key "pki-$fleet/coordinator/key.pem"
  expect 0 "is sound" "${coordinator[@]}" --check-config
  expect 6 "no connection" "$bin/skink-edge" --experiment sine.toml --broker 127.0.0.1:1 "--fleet=$fleet" \
    --identity "pki-$fleet" --id Pump-1 --connect-timeout 1
done
for fleet in "a b" ä "F$longest"; do
  rule="1..64 of A-Z a-z 0-9 - _ ."
  expect 2 "$rule" "$root/scripts/make-pki" pki-none --count 0 --fleet "$fleet"
  expect 2 "$rule" "$ctl" provision --fleet "$fleet" --pki pki --broker g.local:8883 --id a
  expect 2 "$rule" "$bin/skink-edge" --experiment sine.toml --broker 127.0.0.1:1 --fleet "$fleet" --identity pki --id device-000
  configure name "$fleet"
  expect 3 "$rule" "${coordinator[@]}" --check-config
done

# ---- numbers that do not fit: none is wrapped around ----
for first in 4294967295 4294967290 999999; do
  expect 2 "the last device would have the number $((first + 9)), use at most 999999" \
    "$ctl" provision --pki pki --fleet plant --broker g.local:8883 --count 10 --first "$first"
  expect 2 "the last device would have the number $((first + 9)), use at most 999999" \
    "$bin/skink-edge" --experiment sine.toml --broker 127.0.0.1:1 --fleet plant --identity pki --count 10 --first "$first"
done
expect 0 "big-999999" "$ctl" provision --pki pki --fleet plant --broker g.local:8883 --count 2 --first 999998 --prefix big-

# ---- standard output on a full disk ----
configure
for command in "$sim plan sine.toml" "$sim airtime --bytes 10" "$sim run sine.toml --quiet --set meta.rounds=2 --out out" "$sim --help" \
  "$ctl release show --pki pki a.release" "$bin/skink-coordinator run --config coordinator.toml --check-config" \
  "$bin/skink-edge --version"; do
  [[ $command != *release* ]] || "$ctl" release sign --pki pki --firmware firmware.bin --name a --out a.release >/dev/null
  code=0
  $command >/dev/full 2>log || code=$?
  [[ $code -eq 8 ]] || fail "exit code $code instead of 8: $command >/dev/full: $(cat log)"
  grep -q "standard output cannot be written: " log || fail "$command: $(cat log)"
done

# ---- a closed terminal ----
hang_up() { # COMMAND...
  "$@" >log 2>&1 &
  pid=$!
  sleep 1
  kill -HUP "$pid"
  local code=0
  wait "$pid" || code=$?
  pid=
  [[ $code -eq 0 ]] || fail "exit code $code after SIGHUP: $*: $(cat log)"
}
hang_up "${coordinator[@]}"
hang_up "$bin/skink-edge" --experiment sine.toml --broker 127.0.0.1:1 --fleet plant --identity pki --count 2
hang_up "$sim" run sine.toml --quiet --set meta.rounds=100000000 --out long
[[ -s long/checkpoint.json ]] || fail "no checkpoint"
echo "ended as documented"

# ---- versions ----
for program in skink-sim skink-edge skinkctl skink-coordinator; do
  version=$("$bin/$program" --version) || fail "$program --version ends with $?"
  [[ $version =~ ^"$program "[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$program --version says '$version'"
done
[[ $(for program in skink-sim skink-edge skinkctl skink-coordinator; do "$bin/$program" --version; done | cut -d' ' -f2 | sort -u | wc -l) -eq 1 ]] ||
  fail "the programs are of different versions"
