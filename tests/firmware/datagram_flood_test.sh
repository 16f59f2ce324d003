#!/usr/bin/env bash
# Strangers at the bridge for datagrams: floods without a cookie, of anything, and of handshakes that stop in the middle. They cost
# no memory that stays, they are counted, and a device comes in all the same.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "strangers at a bridge"
most_kb=6144 # more than the bridge had before: 64 handshakes of 40 KB, and what the allocator keeps
if ldd "$fleet_bin/skink-edge" | grep libasan >/dev/null; then # its allocator keeps more
  most_kb=$((2 * most_kb))
  export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"
fi

fleet_begin 1
read -r bridge_port _ < <(free_udp_ports)
"$fleet_bin/skink-edge" bridge --listen "127.0.0.1:$bridge_port" --broker "127.0.0.1:$fleet_port" --fleet demo \
  --identity "$fleet_work/pki" --nodes 128 --verbose >"$fleet_work/bridge.log" 2>&1 &
bridge_pid=$!
fleet_pids+=("$bridge_pid")
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id node-0 \
  --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
"$fleet_bin/skink-sim" record "$fleet_root/experiments/sine.toml" --device-index 0 --out "$fleet_work/node-0.samples" >/dev/null

strangers() { /usr/bin/python3 "$fleet_root/tests/firmware/dtls_strangers.py" "$bridge_port" "$@"; }
memory() { awk '/^VmRSS/ {print $2}' "/proc/$bridge_pid/status"; }
counted() { # counted WHAT: the last number that the bridge has said of it
  grep -o "[0-9]* $1" "$fleet_work/bridge.log" | tail -n 1 | cut -d ' ' -f 1 || true
}

connections() { grep -c "node-0: connected" "$fleet_work/bridge.log" || true; }

# comes_in NAME SECONDS: a device does, within so many
comes_in() {
  local tries=$(($2 * 10)) log=$fleet_work/$1.log before pid
  before=$(connections)
  "$fleet_bin/skink-device" --identity "$fleet_work/images/node-0.bin" --recording "$fleet_work/node-0.samples" \
    --flash "$fleet_work/$1.flash" --bridge "127.0.0.1:$bridge_port" >"$log" 2>&1 &
  pid=$!
  fleet_pids+=("$pid")
  until [[ $(connections) -gt $before ]]; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || { cat "$log" "$fleet_work/bridge.log" && fail "$1: the device does not come in"; }
    sleep 0.1
  done
  fleet_stop_one "$pid"
}

comes_in before 30
before=$(memory)
read -r answered asked_bytes answer_bytes < <(strangers hellos 20000)
echo "20000 hellos without a cookie: $answered answered, $answer_bytes bytes for $asked_bytes"
[[ $answered -gt 1000 && $answer_bytes -le $asked_bytes ]] || fail "the bridge makes more of what strangers send"
read -r answered _ < <(strangers noise 20000)
echo "20000 datagrams of noise: $answered answered"
after=$(memory)
echo "memory: $before KB before, $after KB after"
[[ $((after - before)) -lt $most_kb ]] || fail "strangers cost memory"
comes_in between 30

strangers cookies 100 >/dev/null
for _ in $(seq 150); do # the bridge reports now and then
  turned=$(counted "datagrams turned away")
  [[ -z $turned ]] || break
  sleep 0.1
done
during=$(memory)
echo "100 handshakes that stop: $turned datagrams turned away, $during KB"
[[ ${turned:-0} -ge 30 ]] || fail "more than 64 handshakes at a time"
[[ $((during - before)) -lt $most_kb ]] || fail "handshakes cost more memory than they may"
comes_in after 90
failed=$(counted "handshakes failed")
[[ ${failed:-0} -ge 60 ]] || fail "$failed handshakes were given up, of 64"
kill -0 "$bridge_pid" || fail "the bridge is gone"
echo "a device came in before, between and after; $failed handshakes were given up"
