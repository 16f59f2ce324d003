#!/usr/bin/env bash
# skink-sim evaluate gives the figures at the end of the run that made a model, and refuses what is not its model. skink-sim
# profile writes what its document says.
set -euo pipefail
root=${SKINK_SOURCE_DIR:?}
sim=${SKINK_BIN_DIR:?}/skink-sim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
fail() {
  echo "FAILED: $*"
  exit 1
}
experiment=$root/experiments/sine.toml
settings=(--set meta.rounds=50 --set evaluation.every=0 --set evaluation.final_tasks=70)

"$sim" run "$experiment" "${settings[@]}" --quiet --out "$work/run" >/dev/null
"$sim" evaluate "$experiment" "${settings[@]}" --model "$work/run/model.skm" --json "$work/evaluation.json" >"$work/text"
/usr/bin/python3 - "$work" <<'PYTHON' || fail "other figures than the run's: $(cat "$work/evaluation.json" "$work/run/summary.json")"
import json, sys
evaluation = json.load(open(sys.argv[1] + "/evaluation.json"))
summary = json.load(open(sys.argv[1] + "/run/summary.json"))
for field in ("evaluation_tasks", "query_samples", "query_loss_before", "query_loss_after", "model_sha256"):
    assert evaluation[field] == summary[field], field
assert evaluation["query_loss_after"] < evaluation["query_loss_before"]
PYTHON
grep -q "unseen tasks  70, 7000 query samples" "$work/text" || fail "$(cat "$work/text")"

# expect CODE TEXT ARGUMENT...: refused so.
expect() {
  local code=$1 text=$2 got=0
  shift 2
  "$sim" evaluate "$experiment" "${settings[@]}" "$@" >/dev/null 2>"$work/error" || got=$?
  [[ $got == "$code" ]] || fail "$* ended with $got, not $code: $(cat "$work/error")"
  grep -q "$text" "$work/error" || fail "$* does not say '$text': $(cat "$work/error")"
}
expect 4 "not a model of this experiment" --model "$work/run/model.skm" --set model.layers.0.units=31
expect 4 "not a model of this experiment" --model "$work/run/model.skm" --set model.input_scale=0.5
head -c 1000 "$work/run/model.skm" >"$work/torn.skm"
expect 4 "is damaged" --model "$work/torn.skm"
expect 4 "absent.skm" --model "$work/absent.skm"
expect 3 "final_tasks is 0" --model "$work/run/model.skm" --set evaluation.final_tasks=0 --set evaluation.tasks=0
expect 2 "model is required" --lanes device

"$sim" profile "$experiment" --seconds 0.1 --json "$work/profile.json" >"$work/text"
grep -q "step of the coordinator" "$work/text" || fail "$(cat "$work/text")"
/usr/bin/python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))["stages"]) > 12' "$work/profile.json" ||
  fail "$(cat "$work/profile.json")"
