#!/usr/bin/env bash
# skinkctl init from outside: what it makes is a gateway that runs, over IPv4, IPv6 and a name that has both; refusals
# change nothing; certificates are renewed while everything goes on.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "skinkctl init"
ctl=$fleet_bin/skinkctl
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=2 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=2 --set meta.rounds=20)
unset SKINK_URL SKINK_TOKEN_FILE
chmod 755 "$fleet_work" # a broker that root has started becomes another user
cd "$fleet_work"

# expect CODE TEXT COMMAND...: it ends with the code and says the text
expect() {
  local want=$1 text=$2 code=0
  shift 2
  "$@" >said 2>&1 || code=$?
  [[ $code == "$want" ]] || fail "exit code $code, not $want, of $*: $(cat said)"
  grep -qF -- "$text" said || fail "$* says: $(cat said)"
}
content_of() { find "$1" -type f -print0 | sort -z | xargs -0 sha256sum; }
# start_broker GATEWAY: in fleet_broker_pid
start_broker() {
  "$fleet_mosquitto" -c "$1/broker/mosquitto.conf" >>broker.log 2>&1 &
  fleet_broker_pid=$!
  fleet_pids+=("$fleet_broker_pid")
  wait_for_port "$fleet_port" 10 || fail "the broker does not start: $(cat broker.log)"
}
# start_edge GATEWAY HOST: in fleet_edge_pid
start_edge() {
  "$fleet_bin/skink-edge" --experiment "$file" "${settings[@]}" --broker "$2:$fleet_port" --fleet Plant_1 \
    --identity "$1/pki" --prefix pump- --count 4 --quiet >>edge.log 2>&1 &
  fleet_edge_pid=$!
  fleet_pids+=("$fleet_edge_pid")
}
start_coordinator() {
  "$fleet_bin/skink-coordinator" --config "$1/coordinator.toml" >>service.log 2>&1 &
  fleet_service_pid=$!
  fleet_pids+=("$fleet_service_pid")
}
# learns SEED: a run finishes
learns() {
  local number
  number=$("$ctl" runs queue "$file" "${settings[@]}" --set seed="$1" --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["number"])')
  "$ctl" runs wait "$number" --timeout 20 >said 2>&1 ||
    fail "run $number: $(cat said); $("$ctl" status); $(tail -n 5 service.log edge.log broker.log)"
}
wait_for_service() {
  local i
  for ((i = 0; i < 200; i++)); do
    ! "$ctl" status --json 2>/dev/null | grep -q '"broker_connected":true' || return 0
    sleep 0.1
  done
  fail "the service has no broker: $(cat service.log broker.log)"
}

# ---- refusals ----
expect 2 "is not a fleet's name" "$ctl" init gw --fleet "a b" --host gateway.example
expect 2 "is neither a DNS name" "$ctl" init gw --fleet plant --host "gateway.example" "*.example"
expect 2 "is neither a DNS name" "$ctl" init gw --fleet plant --host 999.1.1.1
expect 2 "is neither a DNS name" "$ctl" init gw --fleet plant --host "x,IP:10.0.0.1"
expect 2 "is not an address to listen at" "$ctl" init gw --fleet plant --host gateway.example --bind localhost
expect 2 "--host is required" "$ctl" init gw --fleet plant
expect 2 "not HOST:PORT" "$ctl" init gw --fleet plant --host gateway.example --http 8080
expect 2 "is not an address to listen at" "$ctl" init gw --fleet plant --host gateway.example --http localhost:8080
expect 2 "cannot be both" "$ctl" init gw --fleet plant --host gateway.example --http 127.0.0.1:8883
[[ ! -e gw && ! -e gw.unfinished ]] || fail "a refusal has left something"

# ---- a gateway ----
fleet_port=$(free_port)
http_port=$(free_port)
"$ctl" init gw --fleet Plant_1 --host gateway.example 192.0.2.7 2001:db8::7 --devices 50 --port "$fleet_port" \
  --bind 127.0.0.1 ::1 --http "127.0.0.1:$http_port" "${fleet_dialect[@]}" >init.log
token=$(grep -o 'skink_[0-9a-f]\{64\}' init.log) || fail "no token: $(cat init.log)"
! grep -rqF "$token" gw || fail "the token is kept"
[[ $(stat -c %a gw/pki/ca.key) == 600 && $(stat -c %a gw/pki) == 700 && $(stat -c %a gw/broker/tls/key.pem) == 600 ]] ||
  fail "secrets are readable: $(ls -lR gw)"
[[ -z $(find gw -name '*.key' -perm /077) ]] || fail "secrets are readable"
[[ ! -e gw/broker/ca.key ]] || fail "the broker has the authority's key"
names=$(openssl x509 -in gw/broker/tls/cert.pem -noout -ext subjectAltName)
for name in DNS:gateway.example "IP Address:192.0.2.7" "IP Address:2001:DB8:0:0:0:0:0:7" DNS:localhost "IP Address:127.0.0.1" \
  "IP Address:0:0:0:0:0:0:0:1"; do
  grep -qF "$name" <<<"$names" || fail "$name is not in the certificate: $names"
done
openssl verify -x509_strict -purpose sslserver -CAfile gw/pki/ca.pem gw/broker/tls/cert.pem >/dev/null || fail "openssl refuses the broker"
openssl verify -x509_strict -purpose sslclient -CAfile gw/pki/ca.pem gw/pki/coordinator/cert.pem >/dev/null || fail "openssl refuses the coordinator"
before=$(content_of gw)
expect 2 "is there already" "$ctl" init gw --fleet Plant_1 --host other.example
[[ $(content_of gw) == "$before" ]] || fail "a second init has changed something"
"$ctl" certificates show gw | grep -q "^gateway.example .* 36[45][0-9] .*2001:db8:0:0:0:0:0:7" || fail "$("$ctl" certificates show gw)"
"$fleet_bin/skink-coordinator" --config gw/coordinator.toml --check-config >said || fail "$(cat said)"
echo "init: a folder with all names, refused twice"

# ---- it runs ----
"$ctl" provision --fleet Plant_1 --pki gw/pki --broker "gateway.example:$fleet_port" --prefix pump- --count 4 >said
export SKINK_SOCKET=$fleet_work/gw/state/api.sock
start_broker gw
start_coordinator gw
wait_for_service
SKINK_TOKEN=$token
(umask 077 && echo "$SKINK_TOKEN" >token)
env -u SKINK_SOCKET "$ctl" audit --url "http://127.0.0.1:$http_port" --token-file token | grep -q "token.add" ||
  fail "the first token is not an administrator's"
seed=1
for host in 127.0.0.1 "[::1]" localhost; do
  start_edge gw "$host"
  learns $((seed++))
  fleet_stop_one "$fleet_edge_pid"
done
echo "runs finish over IPv4, IPv6 and a name with both"

# ---- certificates are renewed while it runs ----
serial_of_broker() {
  # Without a certificate of its own it is refused in the end, sometimes before it has ended by itself.
  { openssl s_client -connect "127.0.0.1:$fleet_port" -CAfile gw/pki/ca.pem </dev/null 2>/dev/null || true; } |
    openssl x509 -noout -serial -ext subjectAltName
}
start_edge gw 127.0.0.1
old=$(serial_of_broker)
authority=$(sha256sum gw/pki/ca.pem gw/pki/ca.key)
expect 0 "send SIGHUP to the broker" "$ctl" certificates renew gw --host newer.example
expect 0 "no longer in the broker's certificate: newer.example." "$ctl" certificates renew gw --host new.example
[[ $(sha256sum gw/pki/ca.pem gw/pki/ca.key) == "$authority" ]] || fail "the authority has changed"
[[ $(serial_of_broker) == "$old" ]] || fail "the broker reads its certificate by itself"
kill -HUP "$fleet_broker_pid"
for ((i = 0; i < 50; i++)); do
  ! serial_of_broker 2>/dev/null | grep "DNS:new.example" >/dev/null || break
  sleep 0.1
done
[[ $i -lt 50 ]] || fail "SIGHUP does not bring the new certificate: $(serial_of_broker)"
learns $((seed++))
fleet_stop_one "$fleet_service_pid"
start_coordinator gw
wait_for_service
learns $((seed++))
"$ctl" certificates show gw --json | grep -q '"new.example"' || fail "$("$ctl" certificates show gw --json)"
expect 5 "nothing/pki/ca.pem" "$ctl" certificates renew nothing --host a.example
echo "certificates: renewed under a fleet that goes on; SIGHUP is enough for the broker"

# ---- a service that the broker's certificate keeps out from the start says so, and comes in when it is mended ----
fleet_stop_one "$fleet_service_pid"
fleet_stop_one "$fleet_broker_pid"
"$ctl" init strange --fleet Plant_1 --host gateway.example --port "$fleet_port" >/dev/null
mv gw/broker/tls gw/broker/own && cp -a strange/broker/tls gw/broker/tls
start_broker gw
start_coordinator gw
for ((i = 0; i < 100; i++)); do
  ! curl -s --unix-socket "$SKINK_SOCKET" http://gw/health/ready | grep -q '"broker-lost".*the CA that signed it' || break
  sleep 0.1
done
[[ $i -lt 100 ]] || fail "$(curl -s --unix-socket "$SKINK_SOCKET" http://gw/health/ready) $(tail -n 3 service.log)"
rm -r gw/broker/tls && mv gw/broker/own gw/broker/tls
kill -HUP "$fleet_broker_pid"
wait_for_service
learns $((seed++))
echo "a broker of another authority: said, and forgotten when it has its own certificate again"

# ---- SIGHUP to the coordinator: what holds at once, what waits, what is wrong ----
# reloads TEXT: after a SIGHUP the last event of its kind says it
reloads() {
  local i
  kill -HUP "$fleet_service_pid"
  for ((i = 0; i < 50; i++)); do
    ! "$ctl" events --event service.reloaded --last 1 --json | grep -qF -- "$1" || return 0
    sleep 0.1
  done
  fail "SIGHUP: $("$ctl" events --event service.reloaded), not $1"
}
cp gw/coordinator.toml sound.toml
reloads "says what it said"
sed -i 's/^\[coordinator\]/&\nclip_factor = 2.5/; s/^port = .*/port = 1/' gw/coordinator.toml
reloads "new for runs from now on: [coordinator] clip_factor; waits for a restart, after which a run goes on: [broker] port"
echo "unknown = 1" >>gw/coordinator.toml
reloads "what was read before holds"
learns $((seed++))
last=$("$ctl" runs --phase finished --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][-1]["number"])')
"$ctl" runs show "$last" --json | grep -qF '{"key":"meta.clip_factor","value":"2.5"}' || fail "clip_factor holds for no run: $("$ctl" runs show "$last")"
cp sound.toml gw/coordinator.toml
echo "SIGHUP: what is new holds or is named, what is wrong changes nothing"

# ---- revoked in the folder: the broker's copy too ----
"$ctl" device revoke --pki gw/pki pump-003 >said
cmp -s gw/pki/crl.pem gw/broker/crl.pem || fail "the broker's list is another one"
kill -HUP "$fleet_broker_pid"
sleep 0.5
! mosquitto_pub -h 127.0.0.1 -p "$fleet_port" --cafile gw/pki/ca.pem --cert gw/pki/devices/pump-003/cert.pem \
  --key gw/pki/devices/pump-003/key.pem -q 1 -t skink/1/Plant_1/dev/pump-003/state -m x >said 2>&1 ||
  fail "a revoked device connects"
fleet_stop

# ---- the other dialect, and persistence ----
"$ctl" init kept --fleet plant --host gateway.example --port "$fleet_port" --bind 127.0.0.1 --persistence --state elsewhere/plant \
  "${fleet_dialect[@]}" >said
grep -q "^persistence_location $fleet_work/kept/broker/data/" kept/broker/mosquitto.conf || fail "no persistence"
start_broker kept
mosquitto_pub -h 127.0.0.1 -p "$fleet_port" --cafile kept/pki/ca.pem --cert kept/pki/coordinator/cert.pem \
  --key kept/pki/coordinator/key.pem -q 1 -r -t skink/1/plant/release/0/0 -m kept
fleet_stop
[[ -s kept/broker/data/mosquitto.db ]] || fail "the broker keeps nothing: $(ls -la kept/broker/data; cat broker.log)"
[[ -s elsewhere/plant/fleet.db && ! -e kept/state ]] || fail "the state is not where --state says"
expect 2 "holds the state of a fleet already" "$ctl" init third --fleet plant --host gateway.example --state elsewhere/plant
expect 0 "Next:" "$ctl" init new --fleet plant --host gateway.example --mosquitto 2.1 --http 0.0.0.0:8443
! grep -q "^acl_file" new/broker/mosquitto.conf || fail "acl_file is deprecated in 2.1"
grep -q "^plugin_opt_acl_file $fleet_work/new/broker/acl" new/broker/mosquitto.conf || fail "no plugin"
openssl verify -purpose sslserver -CAfile new/pki/ca.pem new/pki/http/cert.pem >/dev/null || fail "openssl refuses the interface"
echo "both dialects, persistence, a state elsewhere"
