#!/usr/bin/env bash
# skink-sim evaluate gives the figures at the end of the run that made a model, and refuses what is not its model. skink-sim
# plan and profile write what their documents say.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
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
# A sound model is not called damaged, and what differs is said, with both sides.
expect 4 "is a sound model, but not a model of this experiment: its network is" --model "$work/run/model.skm" \
  --set model.layers.0.units=31
grep -q "^  1 - dense 32 - " "$work/error" || fail "$(cat "$work/error")"
grep -q "^  1 - dense 31 - " "$work/error" || fail "$(cat "$work/error")"
expect 4 "trained with input_scale = 1 and input_offset = 0, and .model. says input_scale = 0.5" --model "$work/run/model.skm" \
  --set model.input_scale=0.5
expect 4 "dense 32 (trainable: bias)" --model "$work/run/model.skm" --set model.layers.2.trainable=bias
head -c 1000 "$work/run/model.skm" >"$work/torn.skm"
expect 4 "is cut short" --model "$work/torn.skm"
{ head -c 2000 "$work/run/model.skm" && printf x && tail -c +2002 "$work/run/model.skm"; } >"$work/flipped.skm"
expect 4 "is damaged" --model "$work/flipped.skm"
expect 4 "no model file" --model "$root/README.md"
# Another evaluation is a matter of the experiment, not of the model.
"$sim" evaluate "$experiment" --set evaluation.passes=1 --set evaluation.final_tasks=3 --set seed=9 \
  --set meta.rounds=7 --model "$work/run/model.skm" >"$work/text" || fail "$(cat "$work/text")"
expect 4 "absent.skm" --model "$work/absent.skm"
expect 3 "final_tasks is 0" --model "$work/run/model.skm" --set evaluation.final_tasks=0 --set evaluation.tasks=0
expect 2 "model is required" --lanes device

"$sim" profile "$experiment" --seconds 0.1 --json "$work/profile.json" >"$work/text"
grep -q "step of the coordinator" "$work/text" || fail "$(cat "$work/text")"
/usr/bin/python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))["stages"]) > 12' "$work/profile.json" ||
  fail "$(cat "$work/profile.json")"

# plan ARGUMENT...: of a network for 256 KB, its figures to $work/plan.json.
plan() { "$sim" plan "$root/experiments/omniglot-norm-5w5s.toml" --json "$work/plan.json" "$@" >"$work/text" 2>"$work/error"; }
plan --arena-bytes 143720 || fail "$(cat "$work/error")"
grep -q "^total  *143720  *143720$" "$work/text" || fail "$(cat "$work/text")"
if plan --arena-bytes 143719; then fail "a network that does not fit is no error"; fi
grep -q "needs an arena of 143720 bytes, the device has 143719" "$work/error" || fail "$(cat "$work/error")"
plan --set meta.strategy=reptile --set meta.batch_size=8 || fail "$(cat "$work/error")"
/usr/bin/python3 - "$work/plan.json" <<'PYTHON' || fail "$(cat "$work/plan.json")"
import json, sys
plan = json.load(open(sys.argv[1]))
assert plan["parameters"] == 24165 and plan["update_bytes"] == 4 * 24165
assert plan["evaluate"]["total"] == 143720 and plan["adapt"]["gradients"] == 4 * 24165
assert plan["arena_bytes"] == plan["adapt"]["total"] > 143720
PYTHON
# What error feedback keeps: in RAM, or in flash.
ef=(--set codec.uplink=topk:0.01+ternary+ef --arena-bytes 160000)
if plan "${ef[@]}"; then fail "a residual that does not fit is no error"; fi
grep -q "has 160000: .*or keep what was not sent in flash (--residual-in-flash)" "$work/error" || fail "$(cat "$work/error")"
plan "${ef[@]}" --residual-in-flash || fail "$(cat "$work/error")"
grep -q "^flash of that, bytes; a device keeps two *96660$" "$work/text" || fail "$(cat "$work/text")"
/usr/bin/python3 - "$work/plan.json" <<'PYTHON' || fail "$(cat "$work/plan.json")"
import json, sys
plan = json.load(open(sys.argv[1]))
assert plan["arena_bytes"] - plan["arena_bytes_residual_in_flash"] == plan["adapt"]["residual"] == 4 * 24165
PYTHON
