#!/usr/bin/env bash
# A sweep that is killed at any moment goes on, to the tables of one that was not disturbed; what it is asked for and cannot
# do is refused with the reason.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
# wait_for_file FILE
wait_for_file() {
  local try
  for ((try = 0; try < 500; try++)); do
    [[ ! -f $1 ]] || return 0
    sleep 0.01
  done
  fail "$1 did not appear"
}
sweep=("$sim" sweep "$root/experiments/sine.toml" --quiet --set evaluation.every=0 --set evaluation.final_tasks=40)
run=("${sweep[@]}" --set meta.rounds=1000 --grid "meta.cohort=8,16" --grid "meta.passes=1,2" --seeds 0..2)

"${run[@]}" --out "$work/calm" >"$work/calm.txt"
for ((kill = 1; kill <= 5; kill++)); do
  kill_after "0.$((1 + RANDOM % 4))$((RANDOM % 10))" "${run[@]}" --out "$work/killed"
done
"${run[@]}" --out "$work/killed" >"$work/killed.txt"
cmp "$work/calm/sweep.csv" "$work/killed/sweep.csv" || fail "the tables differ"
diff <(tail -n 5 "$work/calm.txt") <(tail -n 5 "$work/killed.txt") || fail "what is printed differs"
"${run[@]}" --out "$work/killed" >"$work/again.txt"
grep -q "12 of 12 runs were there already" "$work/again.txt" || fail "finished runs are computed again"

# One of its runs is the run of that name.
"$sim" run --set evaluation.every=0 "$root/experiments/sine.toml" --quiet --set evaluation.final_tasks=40 \
  --set meta.rounds=1000 --set meta.cohort=16 --set meta.passes=2 --set seed=1 --out "$work/one" >/dev/null
cmp "$work/one/model.skm" "$work/calm/meta.cohort=16,meta.passes=2/seed-1/model.skm" || fail "a run is another one"

# An interrupted sweep says how to go on, and ends as if it had not been interrupted. Meanwhile its folder is its own.
long=("${sweep[@]}" --set meta.rounds=2000 --seeds 0..2)
"${long[@]}" --out "$work/whole" >/dev/null
"${long[@]}" --out "$work/stopped" >"$work/log" 2>&1 &
pid=$!
wait_for_file "$work/stopped/seed-0/experiment.toml"
got=0
"${long[@]}" --out "$work/stopped" >"$work/second" 2>&1 || got=$?
[[ $got == 8 ]] || fail "a second sweep in one folder ended with $got: $(cat "$work/second")"
grep -q "another skink-sim computes here" "$work/second" || fail "$(cat "$work/second")"
kill -INT "$pid"
wait "$pid" || fail "an interrupted sweep ends with an error: $(cat "$work/log")"
pid=
grep -q "stopped after . of 3 runs; the same command goes on" "$work/log" || fail "$(cat "$work/log")"
[[ -f $work/stopped/seed-0/checkpoint.json ]] || fail "no checkpoint"
"${long[@]}" --out "$work/stopped" >"$work/log"
cmp "$work/whole/sweep.csv" "$work/stopped/sweep.csv" || fail "a sweep that was interrupted ends with another table"
[[ ! -f $work/stopped/seed-0/checkpoint.json ]] || fail "a finished run leaves its checkpoint"

# Another experiment is not mixed in, not even when --restart is killed.
other=("${sweep[@]}" --set meta.rounds=2000 --set meta.cohort=8 --seeds 0 --out "$work/stopped")
got=0
"${other[@]}" >"$work/log" 2>&1 || got=$?
[[ $got == 3 ]] || fail "another experiment took the folder: $(cat "$work/log")"
touch "$work/stopped/compare.csv" "$work/stopped/codecs.svg"
id=$(cat "$work/stopped/seed-0/experiment.toml")
"${other[@]}" --restart >"$work/log" 2>&1 &
pid=$!
for ((try = 0; try < 500; try++)); do
  [[ $(cat "$work/stopped/seed-0/experiment.toml") == "$id" ]] || break
  sleep 0.01
done
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
pid=
"${other[@]}" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
[[ ! -e $work/stopped/compare.csv && ! -e $work/stopped/codecs.svg ]] || fail "--restart leaves tables of others"
awk -F, 'NR == 1 && $8 != "device_rounds" || NR > 1 && $8 > 8 * 2000 { exit 1 }' "$work/stopped/runs.csv" ||
  fail "results of another experiment: $(cat "$work/stopped/runs.csv")"

# expect CODE TEXT ARGUMENT...: refused so.
expect() {
  local code=$1 text=$2 got=0
  shift 2
  "${sweep[@]}" --out "$work/refused" "$@" >"$work/log" 2>&1 || got=$?
  [[ $got == "$code" ]] || fail "$*: ended with $got, not $code: $(cat "$work/log")"
  grep -q -- "$text" "$work/log" || fail "$*: $(cat "$work/log")"
}
expect 2 "is not key=value" --grid meta.rounds
expect 2 "a value is empty" --grid meta.rounds=1,,2
expect 2 "twice" --grid meta.rounds=1,2 --grid meta.rounds=3
expect 2 "is swept" --grid meta.rounds=1,2 --set meta.rounds=4
expect 2 "is swept" --set seed=4
expect 2 "no list of seeds" --seeds one
expect 2 "replaces model.layers.0.units" --grid model.layers.0.units=1,2 --grid 'model.layers=[],[{}]'
expect 2 "has no counterpart" --grid "task.phase=[0,1"
expect 3 "rates" --grid meta.rates=1,2
expect 3 "meta.cohort" --grid meta.cohort=1,100000
