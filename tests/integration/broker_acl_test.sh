#!/usr/bin/env bash
# What scripts/make-pki and scripts/broker promise, against a real broker: a device reaches its own topics and the
# models, nobody else's topics, and no one connects without a certificate of the fleet's CA.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/scripts/lib/net.sh"

for tool in mosquitto mosquitto_pub mosquitto_sub; do
  if ! PATH="$PATH:/usr/sbin" command -v "$tool" >/dev/null; then
    echo "SKIPPED: $tool is not installed"
    exit 0
  fi
done

work=$(mktemp -d "${TMPDIR:-/tmp}/skink broker.XXXXXX") # the space is on purpose
pids=()
cleanup() {
  local status=$?
  if [[ $status -ne 0 ]]; then
    tail -n 30 "$work"/*.log >&2 || true
  fi
  [[ ${#pids[@]} -eq 0 ]] || kill "${pids[@]}" 2>/dev/null || true
  wait || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# until_true SECONDS COMMAND...
until_true() {
  local tries=$(($1 * 20))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || return 1
    sleep 0.05
  done
}

start_broker() {
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    "$root/scripts/broker" "$work/broker" --port "$port" --pki "$work/pki" --fleet demo 2>"$work/broker.log" &
    local pid=$!
    if wait_for_port "$port" 10 && kill -0 "$pid" 2>/dev/null; then
      pids+=("$pid")
      return 0
    fi
    kill "$pid" 2>/dev/null || true # somebody else took the port
  done
  fail "the broker does not start"
}

# Sets `credentials` to the options of the client whose certificate is in the given folder.
identify() {
  credentials=(-h 127.0.0.1 -p "$port" -V 5 --cafile "$work/pki/ca.pem" --cert "$1/cert.pem" --key "$1/key.pem")
}
be() {
  if [[ $1 == coordinator ]]; then identify "$work/pki/coordinator"; else identify "$work/pki/devices/$1"; fi
}

# publish WHO TOPIC TEXT [OPTION...]: succeeds when the broker accepted it; the output names the refusal.
publish() {
  be "$1"
  timeout 10 mosquitto_pub "${credentials[@]}" -q 1 -t "skink/1/demo/$2" -m "$3" "${@:4}" >"$work/publish.log" 2>&1 || return 1
  [[ ! -s $work/publish.log ]]
}
allowed() { publish "$@" || fail "$1 must be allowed to write $2: $(cat "$work/publish.log")"; }
denied() {
  ! publish "$@" || fail "$1 must not be allowed to write $2"
  grep -qi "not authorized" "$work/publish.log" || fail "$1, $2: refused, but why? $(cat "$work/publish.log")"
}

# listen WHO: subscribes to the whole fleet (granted; the ACL filters what is delivered) and logs to WHO.received.
listen() {
  be "$1"
  stdbuf -oL mosquitto_sub "${credentials[@]}" -q 1 -t 'skink/1/demo/#' -F '%t %p' >"$work/$1.received" 2>"$work/$1.log" &
  pids+=($!)
  until_true 10 grep -q '^skink/1/demo/model/first ' "$work/$1.received" || fail "$1 does not get the retained model"
}

# received WHO TOPIC TEXT < EXPECTED: all that WHO got, up to this message.
received() {
  until_true 10 grep -q "^skink/1/demo/$2 $3\$" "$work/$1.received" || fail "$1 does not get the last message"
  diff - "$work/$1.received" || fail "$1 received something else (< expected, > received)"
}

# refused WHAT OPTION...: a connection with these options must fail in the handshake.
refused() {
  local what=$1
  shift
  if timeout 10 mosquitto_pub -h 127.0.0.1 -p "$port" "$@" -q 1 -t skink/1/demo/dev/device-000/state -m intruder \
    >"$work/publish.log" 2>&1; then
    fail "$what must not connect"
  fi
}

"$root/scripts/make-pki" "$work/pki" --count 3 --expired device-old
"$root/scripts/make-pki" "$work/foreign" --count 1
before=$(sha256sum "$work/pki/devices/device-000/key.pem" "$work/pki/master.key")
"$root/scripts/make-pki" "$work/pki" --count 3
[[ $before == "$(sha256sum "$work/pki/devices/device-000/key.pem" "$work/pki/master.key")" ]] || fail "make-pki replaced keys"
[[ $(stat -c %a "$work/pki/devices/device-000/hmac.key") == 600 ]] || fail "hmac.key must be private"

start_broker

allowed coordinator model/first 1 -r
listen coordinator
listen device-002

allowed device-000 dev/device-000/state birth -r
allowed device-000 dev/device-000/update change
denied device-000 dev/device-001/state forged -r
denied device-000 dev/device-001/update forged
denied device-000 dev/device-000/task forged
denied device-000 dev/device-000/reply forged
denied device-000 dev/device-000/patch forged
denied device-000 dev/device-000/release forged -r
denied device-000 model/first forged -r
denied device-000 release/0/0 forged -r
denied device-000 coordinator forged -r
denied device-000 anything forged
denied device-000 dev/device-001/state forged -u coordinator # the certificate names the user
denied device-000 dev/device-001/state forged -i device-001  # and the client
allowed device-000 dev/device-000/update again -i coordinator # which is device-000 all the same

refused "a client without a certificate" --cafile "$work/pki/ca.pem"
refused "a client without TLS"
refused "a certificate of another CA" --cafile "$work/pki/ca.pem" \
  --cert "$work/foreign/devices/device-000/cert.pem" --key "$work/foreign/devices/device-000/key.pem"
refused "an expired certificate" --cafile "$work/pki/ca.pem" \
  --cert "$work/pki/devices/device-old/cert.pem" --key "$work/pki/devices/device-old/key.pem"
refused "a client that expects another CA" --cafile "$work/foreign/ca.pem" \
  --cert "$work/pki/devices/device-000/cert.pem" --key "$work/pki/devices/device-000/key.pem"

for address in $(hostname -I 2>/dev/null || true); do
  if [[ $address == *.* && $address != 127.* ]] && (exec 3<>"/dev/tcp/$address/$port") 2>/dev/null; then
    fail "the broker listens on $address"
  fi
done

allowed device-000 dev/device-000/update last
received coordinator dev/device-000/update last <<'END'
skink/1/demo/model/first 1
skink/1/demo/dev/device-000/state birth
skink/1/demo/dev/device-000/update change
skink/1/demo/dev/device-000/update again
skink/1/demo/dev/device-000/update last
END

# From here on the coordinator's certificate publishes, which ends its listener: one client a certificate.
listen device-000
listen device-001
allowed coordinator dev/device-000/task work
allowed coordinator dev/device-001/reply thanks
allowed coordinator dev/device-001/patch step
allowed coordinator dev/device-000/release use
allowed coordinator release/0/0 part
allowed coordinator coordinator claim -r
allowed coordinator model/last 1
received device-000 model/last 1 <<'END'
skink/1/demo/model/first 1
skink/1/demo/dev/device-000/task work
skink/1/demo/dev/device-000/release use
skink/1/demo/release/0/0 part
skink/1/demo/model/last 1
END
received device-001 model/last 1 <<'END'
skink/1/demo/model/first 1
skink/1/demo/dev/device-001/reply thanks
skink/1/demo/dev/device-001/patch step
skink/1/demo/release/0/0 part
skink/1/demo/model/last 1
END
received device-002 model/last 1 <<'END' # of the others' messages, nothing
skink/1/demo/model/first 1
skink/1/demo/release/0/0 part
skink/1/demo/model/last 1
END
echo "broker: a device reaches its own topics only, and strangers do not connect"
