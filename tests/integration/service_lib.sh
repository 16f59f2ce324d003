# shellcheck shell=bash disable=SC2034,SC2154 # used by who sources this, after fleet_lib.sh
# What the tests of the fleet service share: its programs, and what skinkctl says. `file` is the experiment, `settings` what
# replaces its keys; `wait_s` and `end_s` are how long is waited for a state, and for the end of a run.
sim=$fleet_bin/skink-sim
ctl=$fleet_bin/skinkctl
out=$fleet_work
wait_s=20
end_s=60
unset SKINK_URL SKINK_TOKEN_FILE
export SKINK_SOCKET=$out/state/api.sock

hash_of() { summary_field "$out/$1/summary.json" model_sha256; }
# field EXPRESSION COMMAND...: of the JSON that it prints, as `it`
field() {
  local expression=$1
  shift
  "$@" --json | /usr/bin/python3 -c "import json, sys; it = json.load(sys.stdin); print($expression)"
}
queue() { field 'it["number"]' "$ctl" runs queue "$file" "${settings[@]}" "$@"; }
rounds_done() { "$ctl" runs show "$1" | awk '/^rounds_done/ {print $2}'; }
# wait_for TEXT COMMAND...: until it prints the text
wait_for() {
  local text=$1 i
  shift
  for ((i = 0; i < 10 * wait_s; i++)); do
    [[ $("$@" 2>/dev/null) != "$text" ]] || return 0
    sleep 0.1
  done
  fail "not '$text' in $wait_s s, of $*: $("$@" 2>&1); $(tail -5 "$out/service.log" 2>&1)"
}
model_of() { field "[m['sha256'] for m in it['items'] if m['run'] == $1][0]" "$ctl" models; }
# ends_as RUN FOLDER: it finishes with the simulator's model
ends_as() {
  "$ctl" runs wait "$1" --timeout "$end_s" >"$out/said" 2>&1 || fail "run $1: $(cat "$out/said"); $("$ctl" events | tail -5)"
  [[ $(model_of "$1") == "$(hash_of "$2")" ]] || fail "run $1 ends with $(model_of "$1"), the simulator with $(hash_of "$2")"
}
# prefix_of SHA256: its first 8 bytes as the store has them, a number of little endian
prefix_of() { fold -w 2 <<<"${1:0:16}" | tac | tr -d '\n'; }
# confirmed: of each release that devices keep by their births, how many do, its number and its model's prefix
confirmed() {
  sqlite3 -separator ' ' "file:$out/state/fleet.db?mode=ro" \
    "SELECT count(*), release, printf('%016x', release_model) FROM devices GROUP BY release, release_model"
}
events_of() { "$ctl" events | grep -c -- "$1" || true; }
