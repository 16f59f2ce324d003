#!/usr/bin/env bash
# A comparison of codecs that is killed goes on to the table of one that was not, more codecs can be asked for later, and what
# cannot be done is refused with the reason.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
codecs=("$sim" codecs "$root/experiments/sine.toml" --quiet --rounds 500 --set evaluation.every=20 --set evaluation.final_tasks=40 --seeds 1..2)
few=("${codecs[@]}" --codecs float32 --codecs topk:0.05+ternary+ef/eden:1+ef)

"${few[@]}" --out "$work/calm" >"$work/calm.txt"
for delay in 0.2 0.5 0.9; do kill_after "$delay" "${few[@]}" --out "$work/killed"; done
printf 'codec,instructions\nfloat32,24654\n' >"$work/encoding.csv"
"${few[@]}" --out "$work/killed" >"$work/killed.txt"
for table in codecs.csv codecs.md codecs.svg; do
  cmp "$work/calm/$table" "$work/killed/$table" || fail "$table differs"
done

# Another codec and the instructions join what is there.
"${few[@]}" --codecs int8 --encoding "$work/encoding.csv" --out "$work/killed" >"$work/more.txt"
grep -q "4 of 6 runs were there already" "$work/more.txt" || fail "$(cat "$work/more.txt")"
grep -qE '^\| float32 \| whole \| 4,612 \|.*\| 24,654 \|$' "$work/more.txt" || fail "$(cat "$work/more.txt")"
[[ $(wc -l <"$work/killed/codecs.csv") == 4 ]] || fail "$(cat "$work/killed/codecs.csv")"

# A model is that of a run of its own.
"$sim" run "$root/experiments/sine.toml" --quiet --rounds 500 --set evaluation.every=20 --set evaluation.final_tasks=40 --set seed=2 \
  --set codec.uplink=topk:0.05+ternary+ef --set codec.downlink=eden:1+ef --out "$work/one" >/dev/null
cmp "$work/one/model.skm" "$work"/killed/*topk*/seed-2/model.skm || fail "a run is another one"

# refuse CODE TEXT ARGUMENT...
refuse() {
  local want=$1 text=$2 got=0
  shift 2
  "${codecs[@]}" --out "$work/refused" "$@" >"$work/log" 2>&1 || got=$?
  [[ $got == "$want" ]] || fail "$*: ended with $got, $want was to be: $(cat "$work/log")"
  grep -qF -- "$text" "$work/log" || fail "$*: $(cat "$work/log")"
}
refuse 3 "[codec] uplink" --codecs float32 --codecs int9
refuse 3 "[codec] downlink" --codecs float32/float32
refuse 2 "--codecs: 'int8/' is not allowed, use UPLINK or UPLINK/DOWNLINK" --codecs int8/
refuse 2 "--codecs: 'int8' is there twice" --codecs int8 --codecs int8
refuse 3 "[evaluation] every: use 1 or more" --set evaluation.every=0
refuse 2 "is not what scripts/cycle-report --encoding writes" --encoding "$root/README.md"
refuse 2 "--target" --target 1.5
echo "codecs: held"
