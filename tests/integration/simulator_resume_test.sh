#!/usr/bin/env bash
# A simulation that is killed at any moment goes on from its last checkpoint, to the files of one that was not disturbed.
# A checkpoint that is damaged, or of another experiment, is refused, and so is none that --restart leaves out.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
kills=${SKINK_KILLS:-20}
run=("$sim" run "$root/experiments/sine.toml" --quiet --checkpoint-rounds 100 --set evaluation.every=1000
  --set evaluation.tasks=40 --set evaluation.final_tasks=80)

# Long enough to be killed so often on this machine; the lives last 4 s in all.
"${run[@]}" --set meta.rounds=300 --out "$work/short" >/dev/null
rounds=$(/usr/bin/python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(max(3000, int(s["rounds"] / s["wall_seconds"] * 12 / 100) * 100))' \
  "$work/short/summary.json")
seed=${SKINK_KILL_SEED:-$RANDOM}

# kill_often: false when the run was over before, or never lived until a checkpoint.
stretch=1
kill_often() {
  local ms
  echo "$rounds rounds, moments from seed $seed, lives of $((400 * stretch)) ms at most"
  RANDOM=$seed
  done_kills=0
  rm -rf "$work/killed"
  for ((kill = 1; kill <= kills; kill++)); do
    "${run[@]}" --set "meta.rounds=$rounds" --threads $((1 + RANDOM % 2)) --out "$work/killed" >"$work/log" 2>&1 &
    pid=$!
    ms=$((RANDOM % 400 * stretch))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    kill -KILL "$pid" 2>/dev/null && done_kills=$((done_kills + 1))
    wait "$pid" 2>/dev/null || true
    pid=
  done
  [[ -f $work/killed/checkpoint.json ]]
}
# A machine that was busy at first may be much faster now.
for ((try = 1; ; try++)); do
  if kill_often; then break; fi
  [[ $try -lt 4 ]] || fail "the run was over before it was killed $kills times, or never wrote a checkpoint"
  # With a sanitizer a program may need longer than a life to begin.
  if ((done_kills == kills)); then stretch=$((3 * stretch)); else rounds=$((3 * rounds)); fi
done
run+=(--set "meta.rounds=$rounds")
"${run[@]}" --out "$work/calm" >/dev/null
"${run[@]}" --out "$work/killed" >"$work/log" || fail "$(cat "$work/log")"
grep "continued after" "$work/log" || fail "it began anew"
echo "$done_kills kills"
for file in model.skm metrics.csv; do
  cmp "$work/calm/$file" "$work/killed/$file" || fail "$file differs"
done
[[ ! -f $work/killed/checkpoint.json ]] || fail "a finished run leaves its checkpoint"

# ---- what codecs have left over, on devices and on the coordinator, goes on too
fed=("$sim" run "$root/experiments/sine.toml" --quiet --set meta.cohort=4 --set codec.uplink=topk:0.05+ternary+ef
  --set codec.downlink=eden:1+ef --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=20)
"${fed[@]}" --set meta.rounds=300 --out "$work/short" --restart >/dev/null
rounds_fed=$(/usr/bin/python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(max(1000, int(s["rounds"] / s["wall_seconds"] * 4)))' \
  "$work/short/summary.json")
fed+=(--set "meta.rounds=$rounds_fed")
"${fed[@]}" --out "$work/fed-calm" >/dev/null
"${fed[@]}" --out "$work/fed" >"$work/log" 2>&1 &
pid=$!
sleep 1
kill -INT "$pid"
wait "$pid" || fail "an interrupted run ends with an error: $(cat "$work/log")"
pid=
grep -q "stopped after" "$work/log" || fail "the run with residuals was over before it was stopped"
"${fed[@]}" --out "$work/fed" >"$work/log" || fail "$(cat "$work/log")"
grep "continued after" "$work/log" || fail "it began anew"
cmp "$work/fed-calm/model.skm" "$work/fed/model.skm" || fail "another model with residuals"

# ---- a run that is interrupted says so, and what it left is not mixed up with another's
"${run[@]}" --out "$work/stopped" >"$work/log" 2>&1 &
pid=$!
sleep 1
kill -INT "$pid"
wait "$pid" || fail "an interrupted run ends with an error: $(cat "$work/log")"
pid=
grep -q "stopped after" "$work/log" || fail "it does not say where it stopped"
if "${run[@]}" --set seed=9 --out "$work/stopped" >"$work/log" 2>&1; then fail "another experiment took the checkpoint up"; fi
grep -q "another experiment" "$work/log" || fail "the reason is not given: $(cat "$work/log")"
/usr/bin/python3 - "$work/stopped/checkpoint.json" <<'END'
import re, sys
text = open(sys.argv[1]).read()
place = text.index('"rounds":[[') + 11
open(sys.argv[1], "w").write(text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1:])
END
if "${run[@]}" --out "$work/stopped" >"$work/log" 2>&1; then fail "a checkpoint with another digit was taken"; fi
grep -q "its hash is another" "$work/log" || fail "the reason is not given: $(cat "$work/log")"
echo '{"version":1' >"$work/stopped/checkpoint.json"
if "${run[@]}" --out "$work/stopped" >"$work/log" 2>&1; then fail "a damaged checkpoint was taken"; fi
grep -q "checkpoint.json: is no checkpoint" "$work/log" || fail "the reason is not given: $(cat "$work/log")"
"${run[@]}" --set meta.rounds=200 --restart --out "$work/stopped" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
if grep -q "continued" "$work/log"; then fail "--restart went on"; fi
