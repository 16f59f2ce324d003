#!/usr/bin/env bash
# The fleet service as an operator has it, over skinkctl: runs that are queued, paused, killed with the service and begun
# with models of the registry end with the simulator's models; devices are selected; tokens do what their scope says.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "the fleet service"
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=12 --set fleet.held_out=4 --set meta.cohort=4 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=8 --set meta.clip_factor=0)
# shellcheck source=tests/integration/service_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/service_lib.sh"
end_s=120
[[ -z ${SKINK_SANITIZE:-} ]] || end_s=300 # a run of the thread sanitizer makes ten rounds a second

# expect CODE TEXT COMMAND...: it ends with the code and says the text
expect() {
  local want=$1 text=$2 code=0
  shift 2
  "$@" >"$out/said" 2>&1 || code=$?
  [[ $code == "$want" ]] || fail "exit code $code, not $want, of $*: $(cat "$out/said")"
  grep -qF -- "$text" "$out/said" || fail "$* says: $(cat "$out/said")"
}
# begins RUN: until a few of its rounds are done
begins() {
  local i
  for ((i = 0; i < 400; i++)); do
    [[ $(rounds_done "$1") -lt 3 ]] || return 0
    sleep 0.05
  done
  fail "run $1 does not begin: $("$ctl" status)"
}

expect 6 "$out/state/api.sock: there is no such socket; is skink-coordinator running?" "$ctl" status
expect 6 "/nowhere/s: there is no such socket" "$ctl" runs --socket /nowhere/s
expect 2 "use https://" "$ctl" status --url http://example.org:80
expect 5 "absent" "$ctl" status --url http://localhost:1 --token-file "$out/absent"

"$sim" run "$file" "${settings[@]}" --set meta.rounds=60 --out "$out/first" --quiet >"$out/log"
"$sim" run "$file" "${settings[@]}" --set meta.rounds=60 --set seed=2 --init "$out/first/model.skm" --out "$out/second" \
  --quiet >"$out/log"
"$sim" run "$file" "${settings[@]}" --set meta.rounds=1500 --set seed=3 --out "$out/third" --quiet >"$out/log"

fleet_begin 12
mkdir "$out/edge"
port=$(free_port)
fleet_configure_service "[\"127.0.0.1:$port\"]"
fleet_start_service 2>"$out/service.log"
wait_for "True" field 'it["broker_connected"]' "$ctl" status
fleet_start_edge edge "$file" 12 "${settings[@]}" --set meta.rounds=60  # it takes releases: the service has made the key
wait_for 12 field 'it["devices_online"]' "$ctl" status

first=$(queue --set meta.rounds=60)
ends_as "$first" first
"$ctl" models export 1 "$out/exported.skm" >"$out/log"
cmp "$out/exported.skm" "$out/first/model.skm" || fail "the exported model is another file"
ends_as "$(queue --set meta.rounds=60 --set seed=2 --init-model 1)" second
[[ $(field 'it["parent"]' "$ctl" models show 2) == "$(hash_of first)" ]] || fail "model 2 has another parent"
echo "two runs of the service, the second from model 1, end with the simulator's models"

third=$(queue --set meta.rounds=1500 --set seed=3)
begins "$third"
"$ctl" runs pause "$third" | grep -q "run $third: paused" || fail "it is not paused"
sleep 0.5
paused_at=$(rounds_done "$third")
sleep 0.5
[[ $(rounds_done "$third") == "$paused_at" ]] || fail "a paused run goes on"
expect 6 "is not over after 1 s" "$ctl" runs wait "$third" --timeout 1
"$ctl" runs resume "$third" >"$out/log"
"$ctl" events --follow >"$out/followed" 2>"$out/followed.log" &
follower=$!
fleet_pids+=("$follower")
sleep 0.2
[[ $(rounds_done "$third") -lt 1500 ]] || fail "it ended before the service was killed"
kill -9 "$fleet_service_pid"
wait "$fleet_service_pid" 2>/dev/null || true
expect 6 "nobody listens at this socket" "$ctl" status
fleet_start_service 2>>"$out/service.log"
wait_for "True" field 'it["broker_connected"]' "$ctl" status
ends_as "$third" third
sleep 0.3
grep -q "round: run $third, round 1500 of 1500" "$out/followed" || fail "events: $(tail -3 "$out/followed" "$out/followed.log")"
fleet_stop_one "$follower"
code=0
timeout --signal=INT --kill-after=1 0.5 "$ctl" events --follow >"$out/log" || code=$?
[[ $code == 124 ]] || fail "Ctrl-C does not end 'events --follow': $code"
echo "a run that was paused, and whose service was killed, ends with the simulator's model"

"$ctl" devices group device-000 hall >"$out/log"
"$ctl" devices label device-000 floor=1 side=left >"$out/log"
"$ctl" devices label device-000 side=right --remove floor >"$out/log"
[[ $(field 'it["group"], it["labels"]' "$ctl" devices show device-000) == "hall {'side': 'right'}" ]] ||
  fail "group and labels: $("$ctl" devices show device-000)"
[[ $(field 'len(it["items"])' "$ctl" devices) == 12 ]] || fail "not twelve devices: $("$ctl" devices)"
alone=$(queue --set meta.rounds=60 --group hall --wait 1)
expect 10 "run $alone: failed" "$ctl" runs wait "$alone" --timeout 30
for ((i = 1; i < 12; i++)); do "$ctl" devices label "$(printf 'device-%03d' "$i")" side=right >"$out/log"; done
ends_as "$(queue --set meta.rounds=60 --label side=right --wait 30)" first
"$ctl" devices exclude device-001 >"$out/log"
expect 10 "failed" "$ctl" runs wait "$(queue --set meta.rounds=60 --label side=right --wait 1)" --timeout 30
"$ctl" devices include device-001 >"$out/log"
echo "groups, labels and exclusions select devices"

expect 0 "release 1 is model 1, for all" "$ctl" releases add 1
wait_for 12 field 'sum(d["release"] == 1 for d in it["items"])' "$ctl" devices
expect 3 "are needed" "$ctl" trials add 2 --group canaries
for i in 2 3 4; do "$ctl" devices group "device-00$i" canaries >"$out/log"; done
expect 0 "the group canaries judges model 2" "$ctl" trials add 2 --group canaries --least-gain 1000
wait_for "held back" field 'it["items"][0]["phase"]' "$ctl" trials
"$ctl" trials | grep -q "is below 1000" || fail "no reason: $("$ctl" trials)"
[[ $(field 'len(it["items"])' "$ctl" releases) == 1 ]] || fail "what was held back is released: $("$ctl" releases)"
released=$(queue --set meta.rounds=20 --release)
"$ctl" runs wait "$released" --timeout 60 >"$out/log" 2>&1
wait_for 12 field 'sum(d["release"] == 2 for d in it["items"])' "$ctl" devices
echo "releases reach every device, and a gate holds one back"

"$sim" run "$file" "${settings[@]}" --set meta.rounds=20 --set seed=4 --out "$out/seed4" --quiet >"$out/log"
"$sim" run "$file" "${settings[@]}" --set meta.rounds=20 --set seed=5 --init "$out/seed4/model.skm" --out "$out/seed5" \
  --quiet >"$out/log"
expect 0 "schedule 1 'nightly'" "$ctl" schedules add "$file" "${settings[@]}" --set meta.rounds=20 --set seed=4 --keep-every 5 \
  --name nightly --every 4 --first 0 --from-latest
wait_for 2 field 'it["runs"]' "$ctl" schedules show 1
expect 0 "schedule 1 is paused" "$ctl" schedules pause 1
again=$(field 'it["last_run"]' "$ctl" schedules show 1)
ends_as "$((again - 1))" seed4
ends_as "$again" seed5
expect 0 "of run $again after 10 rounds" "$ctl" models add "$again" --round 10
expect 2 "it keeps those after 5, 10, 15, 19, 20" "$ctl" models add "$again" --round 11
expect 3 "name --every, --devices-worse or --new-devices (invalid-schedule)" "$ctl" schedules add "$file"
expect 2 "--first: at most --every expected" "$ctl" schedules add "$file" --every 5 --first 9
expect 2 "--gate-wait: whole number" "$ctl" runs queue "$file" --gate canaries --gate-wait 4294967295
expect 2 "--wait: whole number" "$ctl" runs queue "$file" --wait 4294967295
expect 0 "1 devices of group 'hall' are known so far, and each run needs 12: until more come, a run waits for ever" \
  "$ctl" schedules add "$file" "${settings[@]}" --group hall --every 604800
expect 0 "schedule 2 is removed" "$ctl" schedules remove 2
expect 0 "schedule 1 is resumed" "$ctl" schedules resume 1
expect 0 "schedule 1 is removed" "$ctl" schedules remove 1
expect 2 "there is no schedule 1" "$ctl" schedules show 1
echo "a schedule queues runs that follow each other, and any round that a run keeps becomes a model"

"$ctl" tokens add reader --scope read --out "$out/token" >"$out/log"
[[ $(stat -c %a "$out/token") == 600 ]] || fail "the token's file is readable"
expect 8 "/dev/full: cannot be written: No space left on device; the token is removed again" \
  "$ctl" tokens add lost --scope read --out /dev/full
expect 2 "is a folder" "$ctl" tokens add lost --scope read --out "$out"
expect 8 "there is no such folder" "$ctl" tokens add lost --scope read --out "$out/absent/token"
expect 8 "cannot be written" "$ctl" tokens add lost --scope read --out /proc/token
expect 2 "is there already" "$ctl" tokens add lost --scope read --out "$out/token"
expect 2 "token 1 is named 'reader'" "$ctl" tokens add reader --scope admin
[[ $(field '[token["name"] for token in it["items"]]' "$ctl" tokens) == "['reader']" ]] ||
  fail "a token that nobody has is there: $("$ctl" tokens)"
over_tcp=(--url "http://127.0.0.1:$port" --token-file "$out/token")
long=$(queue --set meta.rounds=50000)
begins "$long"
expect 0 "devices_online" env -u SKINK_SOCKET "$ctl" status "${over_tcp[@]}"
expect 5 "scope-too-small" "$ctl" runs stop "$long" "${over_tcp[@]}"
[[ $(field 'it["phase"]' "$ctl" runs show "$long") == running ]] || fail "a reader has stopped a run"
expect 5 "" "$ctl" status --url "http://127.0.0.1:$port"
"$ctl" runs stop "$long" >"$out/log"
expect 10 "stopped" "$ctl" runs wait "$long" --timeout 30
"$ctl" tokens add writer --scope operate >"$out/said"
grep -q "^secret  *skink_[0-9a-f]\{64\}$" "$out/said" || fail "no secret: $(cat "$out/said")"
"$ctl" tokens remove "$(field 'it["items"][0]["id"]' "$ctl" tokens)" >"$out/log"
expect 5 "" "$ctl" status "${over_tcp[@]}"
echo "tokens do what their scope says"

expect 2 "there is no run 99 (not-found)" "$ctl" runs stop 99
for command in "runs show" "runs wait" "rounds" "models add"; do
  # shellcheck disable=SC2086 # words
  expect 2 "there is no run 99 (not-found)" "$ctl" $command 99
done
for command in "models show" "releases add" "trials add --group hall" "runs queue $file --init-model"; do
  # shellcheck disable=SC2086 # words
  expect 2 "there is no model 99" "$ctl" $command 99
done
expect 2 "there is no model 99" "$ctl" models export 99 "$out/never.skm"
expect 2 "there is no model 99" "$ctl" schedules add "$file" --every 60 --init-model 99
expect 2 "there is no schedule 99" "$ctl" schedules remove 99
expect 2 "there is no token 99" "$ctl" tokens remove 99
expect 2 "there is no device nobody" "$ctl" devices show nobody
expect 2 "there is no device nobody" "$ctl" devices forget nobody
expect 8 "absent.db" "$ctl" model export --store "$out/absent.db" "$out/never.skm"
expect 4 "absent.skm" "$ctl" model show "$out/absent.skm"
echo "what is not there is 2 of the service, 8 of a store, 4 of a file"

code=0
"$ctl" runs queue "$file" "${settings[@]}" --set model.layers.0.units=9 --init-model 1 2>"$out/said" || code=$?
[[ $code == 3 && $(wc -l <"$out/said") == 5 ]] || fail "another network, exit code $code: $(cat "$out/said")"
[[ $(sed -n 1p "$out/said") == "skinkctl: model 1: is a sound model, but not a model of this experiment"* &&
  $(sed -n 4p "$out/said") == "    1 - dense 9 "* && $(sed -n 5p "$out/said") == "(invalid-run)" ]] ||
  fail "not in lines: $(cat "$out/said")"
! grep -q '?' "$out/said" || fail "an end of a line is a question mark: $(cat "$out/said")"
expect 2 "'group': it begins or ends with a blank" "$ctl" devices group device-000 " hall"
expect 2 "has the control character 0x1b at byte 0" "$ctl" devices note device-000 $'\e[31mred'
"$ctl" runs | grep -q " evaluate  *1  *finished" || fail "the runs do not name their trial: $("$ctl" runs)"

expect 2 "device-000 is online" "$ctl" devices forget device-000
"$ctl" devices group never hall >"$out/log" 2>&1
waits=$(queue --set meta.rounds=3 --group hall)
away="1 of 12 devices are there; 11 more are online, but excluded, or not of group 'hall'"
wait_for "$away; missing: never" field 'it["reason"]' "$ctl" status
expect 0 "never is forgotten" "$ctl" devices forget never
wait_for "$away" field 'it["reason"]' "$ctl" status
"$ctl" runs stop "$waits" >"$out/log"
expect 0 "\`skinkctl device revoke --pki DIR device-011\`" "$ctl" devices revoke device-011
expect 2 "device-011 is revoked" "$ctl" devices forget device-011
expect 2 "wrong-phase" "$ctl" runs pause "$first"
expect 3 "invalid-run" "$ctl" runs queue "$file" --set meta.cohort=0
expect 3 "absent.toml" "$ctl" runs queue "$out/absent.toml"
expect 2 "is required" "$ctl" rounds
expect 8 "absent.db" "$ctl" status --store "$out/absent.db"
[[ $("$ctl" rounds "$third" --last 5 | wc -l) == 6 ]] || fail "not five rounds"
[[ $(field 'len(it["items"])' "$ctl" rounds "$long" --last 0) == "$(rounds_done "$long")" ]] || fail "not all rounds"
for command in runs schedules models releases trials events audit tokens devices; do
  [[ $(field '"items" in it' "$ctl" $command) == True ]] || fail "$command --json"
  "$ctl" $command >"$out/log" || fail "$command"
done
"$ctl" audit >"$out/log"
grep -q "device-001" "$out/log" || fail "the audit says nothing of device-001"
# clip_keys FILE ARGUMENT...: what replaces clip_factor in a run of the experiment, which has no devices and ends after a second
clip_keys() {
  field '[o["value"] for o in it["overrides"] if o["key"] == "meta.clip_factor"]' "$ctl" runs queue "$@" --wait 1
}
sed 's/^\[meta\]$/&\nclip_norm = 2/' "$file" >"$out/clips.toml"
[[ $(clip_keys "$file") == "['3']" ]] || fail "an experiment that says nothing of clipping is not clipped"
[[ $(clip_keys "$file" --set meta.clip_factor=2) == "['2']" && $(clip_keys "$out/clips.toml") == "[]" ]] ||
  fail "an experiment that says how it is clipped is clipped in another way"
fleet_stop_one "$fleet_service_pid"

fleet_configure_service "[\"127.0.0.1:$port\", \"127.0.0.2:$port\"]" "certificate = \"$out/pki/server.pem\"" "key = \"$out/pki/server.key\""
sed -i 's/^state = .*/&\nclip_factor = 0/' "$out/service.toml"
fleet_start_service 2>>"$out/service.log"
wait_for "True" field 'it["broker_connected"]' "$ctl" status
[[ $(clip_keys "$file") == "[]" ]] || fail "clip_factor = 0 of the configuration does not turn clipping off"
echo "the service clips experiments that say nothing of it, unless it is told not to"
"$ctl" tokens add reader --scope read --out "$out/token-2" >"$out/log"
tls=(--url "https://localhost:$port" --token-file "$out/token-2")
expect 0 "devices_online" "$ctl" status "${tls[@]}" --ca "$out/pki/ca.pem"
expect 5 "does --ca name the CA" "$ctl" status "${tls[@]}"
expect 5 "does that name 127.0.0.2?" "$ctl" status --url "https://127.0.0.2:$port" --token-file "$out/token" --ca "$out/pki/ca.pem"
expect 5 "absent.pem" "$ctl" status "${tls[@]}" --ca "$out/absent.pem"
fleet_stop_one "$fleet_service_pid"
echo "TLS: the service's certificate and its name are checked"
"$ctl" status --store "$out/state/runs/$first/store.db" | grep -q "finished" || fail "the run's store says otherwise"

line='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z (info|warning|error) [a-z]+(\.[a-z]+)?: .'
! grep -vE "$line" "$out/service.log" || fail "lines of the log without date, level and name"
grep -q "info run.phase: run $third: finished" "$out/service.log" || fail "the log does not say that run $third has finished"
code=0
"$fleet_bin/skink-coordinator" --config "$out/absent.toml" --log-format json 2>"$out/log" || code=$?
[[ $code == 3 ]] || fail "exit code $code without a configuration: $(cat "$out/log")"
/usr/bin/python3 - "$out/log" <<'END' || fail "no JSON log: $(cat "$out/log")"
import json, re, sys
(said,) = [json.loads(line) for line in open(sys.argv[1])]
assert list(said) == ["ts", "level", "event", "run", "device", "msg"], said
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["ts"]), said
assert said["event"] == "program.failed" and said["level"] == "error" and "absent.toml" in said["msg"], said
END
echo "each line of the log has a date, a level and a name; --log-format json makes it an object"
