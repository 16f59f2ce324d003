#!/usr/bin/env bash
# A model that was learned from samples with swapped labels is held back by the devices that judge it: the gate says why and what
# each of them loses, and nobody keeps anything but the release of before. The same gate lets a better model through, to everybody.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "a gate before a spoilt model"
file=$fleet_work/hand.toml
settings=()
# shellcheck source=tests/integration/service_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/service_lib.sh"
data=$out/data
spoilt=$out/spoilt

# Six gloves that train and four that judge, three motions; spoilt: who wore the gloves called each motion by the next one's name.
/usr/bin/python3 - "$out" <<'END'
import math, random, sys
draw = random.Random(1)
motions = ("fist", "turn", "wave")
with open(sys.argv[1] + "/right.csv", "w") as right, open(sys.argv[1] + "/wrong.csv", "w") as wrong:
    print("glove,part,motion," + ",".join(f"x{i}" for i in range(16)), file=right)
    print("glove,part,motion," + ",".join(f"x{i}" for i in range(16)), file=wrong)
    for number in range(10 * 3 * 12):
        glove, motion = number % 10, number // 10 % 3
        start = draw.random()
        values = [math.sin(math.tau * (motion + 1) * i / 16 + start) + draw.gauss(0, 0.4) for i in range(16)]
        for text, name in ((right, motions[motion]), (wrong, motions[(motion + 1) % 3])):
            print(glove, "train" if glove < 6 else "test", name, *(f"{value:.3f}" for value in values), sep=",", file=text)
END
for folder in "$data:right" "$spoilt:wrong"; do
  "$sim" import "$out/${folder#*:}.csv" --label motion --device glove --split part --shape 16 --quiet --out "${folder%:*}/hand" >"$out/summary"
done
{
  printf 'name = "hand"\n[model]\nloss = "softmax_cross_entropy"\n'
  grep -E '^ *input(_scale|_offset)? = ' "$out/summary"
  printf 'layers = [{ type = "dense", units = 12 }, { type = "relu" }, { type = "dense", units = 3, gain = 0.3 }]\n'
  printf '[task]\nsource = "dataset"\ndataset = "hand"\nsupport_size = 6\n'
  printf '[meta]\nstrategy = "tinyreptile"\nrounds = 20\ncohort = 4\ninner_learning_rate = 0.02\nclip_factor = 3\n'
  printf '[evaluation]\ntasks = 4\npasses = 2\ninner_learning_rate = 0.01\n'
  printf '[fleet]\ndevices = 10\nheld_out = 4\nhold_out = "last"\n'
} >"$file"
"$sim" run "$file" --data "$data" --out "$out/good" --quiet >"$out/log"
"$sim" run "$file" --data "$spoilt" --init "$out/good/model.skm" --set seed=2 --out "$out/bad" --quiet >"$out/log"
"$sim" run "$file" --data "$data" --init "$out/good/model.skm" --set seed=3 --out "$out/better" --quiet >"$out/log"

# keeps NUMBER FOLDER: what `confirmed` says when all ten devices keep this release of this model
keeps() { echo "10 $1 $(prefix_of "$(hash_of "$2")")"; }
# start_training FOLDER: six devices with these samples, in training_pid
start_training() {
  fleet_start_edge edge "$file" 6 --data "$1"
  training_pid=$fleet_edge_pid
  wait_for 10 field 'it["devices_online"]' "$ctl" status
}
# trial KEYS: of the last trial
trial() { field "it['items'][-1]$1" "$ctl" trials; }
# judge MODEL: the canaries judge it; until they have, nobody keeps a release of another number or model than that of before
judge() {
  "$ctl" trials add "$1" --group canaries --least-devices 3 >"$out/log"
  local i now
  for ((i = 0; i < 10 * wait_s; i++)); do
    now=$(confirmed)
    [[ $(trial '["phase"]') == judging ]] || return 0
    [[ $now == "$(keeps 1 good)" ]] || fail "model $1 is judged, and devices keep $now"
    sleep 0.1
  done
  fail "the trial of model $1 is not decided: $("$ctl" trials); $("$ctl" status)"
}

fleet_begin 10
mkdir "$out/edge"
fleet_configure_service "[]"
fleet_start_service 2>"$out/service.log"
wait_for True field 'it["broker_connected"]' "$ctl" status
fleet_start_edge edge "$file" 4 --first 6 --data "$data"
start_training "$data"
for ((i = 6; i < 10; i++)); do "$ctl" devices group "device-00$i" canaries >"$out/log"; done
ends_as "$(queue)" good
"$ctl" releases add 1 >"$out/log"
wait_for "$(keeps 1 good)" confirmed

# ---- spoilt
fleet_stop_one "$training_pid"
wait_for 4 field 'it["devices_online"]' "$ctl" status
start_training "$spoilt"
wait_for "$(keeps 1 good)" confirmed
ends_as "$(queue --set seed=2 --init-model 1)" bad
judge 2
[[ $(trial '["phase"]') == "held back" ]] || fail "a spoilt model: $("$ctl" trials)"
reason=$(trial '["reason"]')
grep -qE "mean gain -[0-9.]+ of 3 devices is below 0.000000; the worst is device-00[789]" <<<"$reason" || fail "the reason: $reason"
losers=$(field '[id for id, gain in it["items"][-1]["gains"].items() if gain < -0.1]' "$ctl" trials)
[[ $losers == "['device-007', 'device-008', 'device-009']" ]] ||
  fail "gains: $(trial '["gains"]')"
wait_for 1 events_of "warning.*trial.decided.*model 2 is held back: $reason"
[[ $(field 'len(it["items"])' "$ctl" releases) == 1 && $(confirmed) == "$(keeps 1 good)" ]] ||
  fail "what was held back is used: $("$ctl" releases) $(confirmed)"
echo "held back: $reason"

# ---- and a better one
fleet_stop_one "$training_pid"
wait_for 4 field 'it["devices_online"]' "$ctl" status
start_training "$data"
wait_for "$(keeps 1 good)" confirmed
ends_as "$(queue --set seed=3 --init-model 1)" better
judge 3
[[ $(trial '["phase"]') == released ]] || fail "a better model: $("$ctl" trials)"
wait_for "$(keeps 2 better)" confirmed
echo "released: $(trial '["reason"]')"
