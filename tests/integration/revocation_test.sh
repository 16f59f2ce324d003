#!/usr/bin/env bash
# From provisioning to revocation, with a real broker: three devices are provisioned and learn; one is revoked. The
# coordinator, which is told, ignores it while the broker does not know yet; then the broker refuses it, connected or
# not, and skink-edge ends with exit code 5 and the reason. The run finishes and its store replays. Also what mosquitto
# does with a revocation list that is out of date.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "revocation over a broker"

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
# expect CODE TEXT COMMAND...: exits with CODE and says TEXT
expect() {
  local wanted=$1 text=$2 code=0 output
  shift 2
  output=$(timeout 60 "$@" 2>&1) || code=$?
  [[ $code -eq $wanted ]] || fail "exit code $code instead of $wanted: $* : $output"
  grep -qE -- "$text" <<<"$output" || fail "no '$text' in the message of: $* : $output"
}

fleet_begin 0
pki=$fleet_work/pki
ctl=$fleet_bin/skinkctl
file=$fleet_root/experiments/sine.toml
settings=(--set meta.rounds=12000 --set fleet.devices=3 --set fleet.held_out=0 --set meta.cohort=1 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=4000)
provision=("$ctl" provision --fleet demo --pki "$pki" --broker "127.0.0.1:$fleet_port" --out "$fleet_work/images")
"${provision[@]}" --count 3 --prefix pump-
# No program runs these two: one client a certificate, so a probe would end the connection of a device that learns.
"${provision[@]}" --id probe-good probe-revoked

# as ID ARGUMENT...: publishes with that device's certificate
as() {
  local id=$1 folder=$pki/devices/$1
  shift
  timeout 10 mosquitto_pub -h 127.0.0.1 -p "$fleet_port" --cafile "$pki/ca.pem" --cert "$folder/cert.pem" \
    --key "$folder/key.pem" -q 1 "$@" >"$fleet_work/publish.log" 2>&1
}
connects() { as "$1" -t "skink/1/demo/dev/$1/update" -m ''; }
refused() { ! connects "$1"; }

# keeps and resumes VERSION: probe-revoked's TLS session. The text of the handshake is left in handshake.log.
keeps() { shake_hands "$1" -sess_out "$fleet_work/session$1" && grep -aq "^New" "$fleet_work/handshake.log"; }
resumes() { shake_hands "$1" -sess_in "$fleet_work/session$1" && grep -aq "^Reused" "$fleet_work/handshake.log"; }
shake_hands() { # VERSION ARGUMENT...
  # It says something (a CONNECT) and stays until it has its answer: with TLS 1.3 sessions and refusals come after the
  # handshake.
  { printf '\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ab' && sleep 1.5; } |
    timeout 10 openssl s_client -connect "127.0.0.1:$fleet_port" -CAfile "$pki/ca.pem" -no_ign_eof \
      -cert "$pki/devices/probe-revoked/cert.pem" -key "$pki/devices/probe-revoked/key.pem" "$@" >"$fleet_work/handshake.log" 2>&1 ||
    true
}

reads_list_again() { [[ $(grep -c "revoked: .*pump-002" "$coordinator_log") -eq 2 ]]; }

# ---- they join ----
fleet_configure run "$file"
fleet_start_edge run "$file" 2 --prefix pump- "${settings[@]}"
edge=("$fleet_bin/skink-edge" --experiment "$file" --broker "127.0.0.1:$fleet_port" --fleet demo --identity "$pki"
  --quiet "${settings[@]}")
"${edge[@]}" --id pump-002 >"$fleet_work/run/revoked.log" 2>&1 &
revoked_pid=$!
fleet_pids+=("$revoked_pid")
coordinator_log=$fleet_work/run/coordinator.log
fleet_start_coordinator run "${settings[@]}" 2>"$coordinator_log"
rounds_done() { "$ctl" status --store "$fleet_work/run/store.db" 2>/dev/null | awk '/^rounds/ {print $2}'; }
round_is_over() { [[ $(rounds_done || true) -ge $1 ]]; }
until_true 60 round_is_over 5 || fail "the devices do not learn: $(cat "$coordinator_log" "$fleet_work"/run/*.log)"
connects probe-revoked || fail "refused before it is revoked: $(cat "$fleet_work/publish.log")"

# ---- the coordinator is told, the broker is not ----
expect 0 "^pump-002 .* revoked$" "$ctl" device revoke --pki "$pki" pump-002 probe-revoked
until_true 10 grep -q "revoked: .*pump-002" "$coordinator_log" || fail "the coordinator does not take notice"
connects probe-revoked || fail "mosquitto read the list without being told; say so in docs/provisioning.md"
as probe-revoked -t skink/1/demo/dev/probe-revoked/state -m '' || fail "no connection"

# ---- a coordinator that is killed knows it again ----
[[ $(rounds_done) -lt 11000 ]] || fail "the run was over before it was disturbed"
kill -9 "$fleet_coordinator_pid"
wait "$fleet_coordinator_pid" 2>/dev/null || true
fleet_start_coordinator run "${settings[@]}" 2>>"$coordinator_log"
until_true 10 reads_list_again || fail "the second coordinator did not read the list"

# ---- the broker is told ----
for version in -tls1_2 -tls1_3; do
  keeps "$version" || fail "no TLS session: $(grep -a alert "$fleet_work/handshake.log")"
  resumes "$version" || fail "the TLS session cannot be resumed: $(grep -a alert "$fleet_work/handshake.log")"
done
kill -HUP "$fleet_broker_pid"
until_true 10 refused probe-revoked || fail "the broker lets a revoked device in"
connects probe-good || fail "the broker refuses a device that is not revoked: $(cat "$fleet_work/publish.log")"
for version in -tls1_2 -tls1_3; do
  if resumes "$version"; then fail "a revoked device resumes its TLS session; say so in docs/provisioning.md"; fi
  grep -q "alert certificate revoked" "$fleet_work/handshake.log" || fail "no alert: $(grep -a alert "$fleet_work/handshake.log")"
done
kill -0 "$revoked_pid" || fail "pump-002 ended"
if grep -q "revoked" "$fleet_work/run/revoked.log"; then
  fail "mosquitto ends connections that it has; say so in docs/provisioning.md"
fi
# A connection that is there stays. A restart of the broker ends it, and it cannot come back; the others can.
fleet_stop_one "$fleet_broker_pid"
fleet_start_broker
until_true 30 grep -q "certificate revoked.*it is revoked, and stays so" "$fleet_work/run/revoked.log" ||
  fail "pump-002 is not refused after a restart: $(cat "$fleet_work/run/revoked.log")"
fleet_stop_one "$revoked_pid"
expect 5 "refuses the certificate .*pump-002/cert.pem.*certificate revoked.*it is revoked" "${edge[@]}" --id pump-002

# ---- the run goes on to its end, and replays ----
fleet_wait_for_coordinator run || fail "the coordinator did not finish: $(tail -n 20 "$coordinator_log")"
status=$("$ctl" status --store "$fleet_work/run/store.db")
head -n 8 <<<"$status"
grep -q "finished" <<<"$status" || fail "the run is not finished"
[[ $(grep -c "connected to the broker" "$coordinator_log") -ge 3 ]] || fail "the run was over before the broker was restarted"
grep -Eq "^refused +[1-9][0-9]* revoked" <<<"$status" || fail "messages of the revoked device were not counted"
grep -Eq "replaced.*\(revoked\) pump-002: revoked" <<<"$status" || fail "the revoked device was not replaced"
"$fleet_bin/skink-sim" replay "$fleet_work/run/store.db" --quiet || fail "the store does not replay"

# ---- an id does not come back, a new one may come ----
expect 2 "'pump-002' is revoked and stays so" "${provision[@]}" --id pump-002 --force
expect 0 "1 of 1 devices" "${provision[@]}" --id pump-003
connects pump-003 || fail "a new device is refused: $(cat "$fleet_work/publish.log")"

# ---- lists that are out of date ----
cp "$pki/crl.pem" "$fleet_work/good.pem"
openssl crl -in "$pki/crl.pem" -CAfile "$pki/ca.pem" -noout 2>/dev/null || fail "the list is not signed by the CA"
expect 0 "2 certificates revoked" "$ctl" crl renew --pki "$pki" --crl-days 30
openssl crl -in "$pki/crl.pem" -noout -nextupdate | grep -q "$(date -u -d '+30 days' '+%b %e')" ||
  fail "the list is not due when asked"
expect 2 "crl-days" "$ctl" crl renew --pki "$pki" --crl-days 0
expect 2 "has no certificate" "$ctl" device revoke --pki "$pki" pump-999
kill -HUP "$fleet_broker_pid"
until_true 10 refused pump-002 || fail "the broker lets a revoked device in"
connects probe-good || fail "the renewed list refuses a device that is not revoked"
: >"$fleet_work/index.txt"
echo 99 >"$fleet_work/crlnumber"
printf '[ca]\ndefault_ca = issuer\n[issuer]\ndatabase = %s\ncrlnumber = %s\ndefault_md = sha256\n' \
  "$fleet_work/index.txt" "$fleet_work/crlnumber" >"$fleet_work/openssl.cnf"
openssl ca -config "$fleet_work/openssl.cnf" -gencrl -cert "$pki/ca.pem" -keyfile "$pki/ca.key" -out "$pki/crl.pem" \
  -crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z 2>/dev/null
kill -HUP "$fleet_broker_pid"
until_true 10 refused probe-good || fail "mosquitto trusts an old list; say so in docs/provisioning.md"
expect 5 "it has not expired, so the broker's clock is wrong or its revocation list" "${edge[@]}" --id pump-001
echo "not a list" >"$pki/crl.pem"
expect 5 "crl.pem: not a revocation list" "$ctl" device revoke --pki "$pki" pump-001
if timeout 10 "$fleet_root/scripts/broker" "$fleet_work/other" --port "$(free_port)" --pki "$pki" 2>"$fleet_work/other.log"; then
  fail "a broker starts without a list"
fi
grep -q "Unable to load certificate revocation file" "$fleet_work/other.log" || fail "a broker starts without a list"
cp "$fleet_work/good.pem" "$pki/crl.pem"
kill -HUP "$fleet_broker_pid"
until_true 10 connects probe-good || fail "a device is refused for good: $(cat "$fleet_work/publish.log")"
refused pump-002 || fail "the broker lets a revoked device in"
echo "revoked, refused and replaced"
