#!/usr/bin/env bash
# skinkctl doctor with a real broker: a sound gateway, and each way in which one can be wrong, with its exit code.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "skinkctl doctor"
ctl=$fleet_bin/skinkctl
unset SKINK_URL SKINK_TOKEN_FILE SKINK_SOCKET
chmod 755 "$fleet_work"
cd "$fleet_work"

start_broker() {
  "$fleet_mosquitto" -c "$1/broker/mosquitto.conf" >>broker.log 2>&1 &
  broker=$!
  fleet_pids+=("$broker")
  wait_for_port "$fleet_port" 10 || fail "the broker does not start: $(cat broker.log)"
}
# examine CODE CONFIG [OPTION...]: what the doctor says, to `said`
examine() {
  local want=$1 code=0
  shift
  "$ctl" doctor --config "$@" >said 2>&1 || code=$?
  [[ $code == "$want" ]] || fail "exit code $code, not $want: $(cat said)"
}
# finds GRADE CHECK TEXT
finds() { grep -E "^$1 +$2 " said | grep -qF -- "$3" || fail "no $1 of $2 with '$3': $(cat said)"; }
# only_errors CHECK...: no other check fails
only_errors() {
  local found
  found=$(awk '/^error/ {print $2}' said | sort -u | xargs)
  [[ $found == "$*" ]] || fail "errors of '$found', not '$*': $(cat said)"
}
# changed NAME SED: a configuration beside gw's
changed() { sed "$2" gw/coordinator.toml >"gw/$1.toml"; }

fleet_port=$(free_port)
"$ctl" init gw --fleet plant --host gateway.example --port "$fleet_port" --bind 127.0.0.1 "${fleet_dialect[@]}" >said
"$ctl" init foreign --fleet plant --host gateway.example >said
start_broker gw

# ---- sound ----
examine 0 gw/coordinator.toml
! grep -q "^error" said || fail "$(cat said)"
finds warning service.reachable "is skink-coordinator running?"
for check in certificate.coordinator.chain certificate.coordinator.key keys.private state.writable state.space state.store clock \
  broker.dns broker.tcp broker.tls broker.mqtt broker.acl.coordinator broker.acl.others broker.acl.device broker.size; do
  grep -q "^ok  *$check " said || fail "$check is not well: $(cat said)"
done
finds ok broker.version "mosquitto version"
finds ok broker.size 4104
examine 0 gw/coordinator.toml --json
/usr/bin/python3 - <<'END' || fail "$(cat said)"
import json
report = json.load(open("said"))
assert report["worst"] == "warning" and len(report["items"]) > 15, report
assert all(set(item) == {"grade", "check", "text", "remedy"} for item in report["items"])
END
[[ ! -e gw/state/.doctor ]] || fail "the doctor leaves its keys"
"$fleet_bin/skink-coordinator" --config gw/coordinator.toml >service.log 2>&1 &
service=$!
fleet_pids+=("$service")
for ((i = 0; i < 100; i++)); do
  ! "$ctl" status --socket gw/state/api.sock --json 2>/dev/null | grep -q '"broker_connected":true' || break
  sleep 0.1
done
examine 0 gw/coordinator.toml
finds ok service.phase idle
finds ok service.version "skinkctl"
finds ok broker.mqtt "are tried while it is stopped"
! grep -q "soon after\|lost" service.log || fail "the doctor disturbs the service: $(cat service.log)"
# Of a copy of the folder it does not know that a service leads the fleet, until that one takes its connection back.
cp -r gw copy
rm -f copy/state/api.sock
examine 6 copy/coordinator.toml
finds error broker.alone "a coordinator"
only_errors broker.alone
rm -r copy
fleet_stop_one "$service"
echo "doctor: a sound gateway, with its service and without, and a copy of one that is led"

# ---- files ----
examine 3 gw/absent.toml
finds error configuration "absent.toml"
changed authority "s|\"pki/ca.pem\"|\"../foreign/pki/ca.pem\"|"
examine 5 gw/authority.toml
finds error certificate.coordinator.chain "signed by another authority"
finds error broker.tls ""
changed key 's|coordinator/key.pem|master.key|'
examine 5 gw/key.toml
finds error certificate.coordinator.key "not a private key"
"$fleet_root/scripts/make-pki" gw/pki --count 0 --fleet plant --expired coordinator-old >/dev/null
changed expired 's|pki/coordinator/|pki/devices/coordinator-old/|'
examine 5 gw/expired.toml
finds error certificate.coordinator.dates "has expired on 2020-01-31"
finds warning certificate.coordinator.name "coordinator-old"
for config in authority key expired; do
  code=0
  "$fleet_bin/skink-coordinator" --config "gw/$config.toml" --check-config >said 2>&1 || code=$?
  [[ $code == 5 ]] || fail "--check-config lets $config pass: $code, $(cat said)"
done
"$fleet_bin/skink-coordinator" --config gw/coordinator.toml --check-config >said || fail "$(cat said)"
# refused CODE TEXT CONFIG: by --check-config, as the service would
refused() {
  local code=0
  "$fleet_bin/skink-coordinator" --config "gw/$3.toml" --check-config >said 2>&1 || code=$?
  if [[ $code != "$1" ]] || ! grep -qF -- "$2" said; then fail "--check-config of $3: $code, $(cat said)"; fi
}
echo precious >gw/file
changed file 's|^state = .*|state = "file"|'
refused 8 "is no folder" file
examine 8 gw/file.toml
finds error state "is no folder"
changed elsewhere 's|^\[http\]|&\nlisten = ["192.0.2.7:28090"]|'
refused 3 "wants TLS" elsewhere
changed name 's|^\[http\]|&\nlisten = ["localhost:28090"]|'
refused 3 "no address to listen on" name
rm gw/file
cp gw/pki/crl.pem kept.pem
"$ctl" crl renew --pki gw/pki --crl-days 3 >said
examine 0 gw/coordinator.toml
finds warning certificate.revocation_list "crl renew"
cp kept.pem gw/pki/crl.pem
cp kept.pem gw/broker/crl.pem
chmod 644 gw/pki/master.key
examine 5 gw/coordinator.toml
finds error keys.private "everybody may read it"
only_errors keys.private
chmod 600 gw/pki/master.key
touch -d "+3 days" gw/state/fleet.db
examine 0 gw/coordinator.toml
finds warning clock "in the future"
touch gw/state/fleet.db
cp gw/state/fleet.db sound.db
/usr/bin/python3 -c 'f = open("gw/state/fleet.db", "r+b"); f.seek(4096); f.write(b"\xff" * 8192)'
examine 8 gw/coordinator.toml
only_errors state.store
cp sound.db gw/state/fleet.db

# ---- the broker ----
changed host 's|^host = .*|host = "no-such-host.invalid"|'
examine 6 gw/host.toml
only_errors broker.dns
changed port "s|^port = .*|port = $(free_port)|"
examine 6 gw/port.toml
finds error broker.tcp "Connection refused"
only_errors broker.tcp
changed fleet 's|^name = "plant"|name = "other"|'
examine 5 gw/fleet.toml
finds error broker.acl.coordinator "skink/1/other/"
cp gw/broker/tls/cert.pem named.pem
openssl req -new -key gw/broker/tls/key.pem -subj /CN=gateway.example |
  openssl x509 -req -CA gw/pki/ca.pem -CAkey gw/pki/ca.key -days 10 -extfile <(echo subjectAltName=DNS:gateway.example) \
    -out unnamed.pem 2>/dev/null
cp unnamed.pem gw/broker/tls/cert.pem
kill -HUP "$broker"
sleep 0.5
examine 5 gw/coordinator.toml
finds error broker.tls "127.0.0.1"
only_errors broker.tls
cp named.pem gw/broker/tls/cert.pem
cp gw/broker/acl acl
sed -i '/user coordinator/,/^$/d' gw/broker/acl
kill -HUP "$broker"
sleep 0.5
examine 5 gw/coordinator.toml
finds error broker.acl.coordinator "does not come back"
{
  cat acl
  echo 'pattern readwrite #'
} >gw/broker/acl
kill -HUP "$broker"
sleep 0.5
examine 5 gw/coordinator.toml
finds warning broker.acl.others "lets the coordinator write"
finds error broker.acl.device "it can pose as another"
only_errors broker.acl.device
cp acl gw/broker/acl
fleet_stop
sed -i 's/^max_packet_size .*/max_packet_size 4096/' gw/broker/mosquitto.conf
start_broker gw
examine 3 gw/coordinator.toml
only_errors broker.size
fleet_stop
cp gw/pki/devices/coordinator-old/{cert,key}.pem gw/broker/tls/
chown --reference=gw/broker/acl gw/broker/tls/key.pem
start_broker gw
examine 5 gw/coordinator.toml
only_errors broker.tls
echo "doctor: each fault is named, with its exit code"
