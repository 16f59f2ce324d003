#!/usr/bin/env bash
# skink-sim import: a CSV file becomes a data set that an experiment learns from; what is malformed is refused with its place, and
# leaves nothing.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
cd "$work"

# Ten gloves, five motions: waves of another period each, with noise and a glove's own amplitude. Only the standard library.
python3 - <<'END'
import math, random
draw = random.Random(1)
motions = ("wave", "fist", "point", "turn, left", "turn, right")
with open("windows.csv", "w", newline="") as file:
    file.write("\ufeffnumber,motion,glove," + ",".join(f"x{i}" for i in range(24)) + "\r\n")
    for number in range(1000):
        glove, motion = number % 10, number // 10 % 5
        start = draw.random()
        values = [(0.5 + glove / 10) * math.sin(math.tau * (motion + 1) * i / 24 + start) + draw.gauss(0, 0.2) for i in range(24)]
        file.write(f'{number},"{motions[motion]}",glove-{glove},' + ",".join(f"{value:.4f}" for value in values) + "\r\n")
END
import=("$sim" import windows.csv --label motion --device glove --columns x0..x23 --shape 24x1 --quiet)

"${import[@]}" --out data/hand >summary.txt
for text in "windows.csv: 1000 windows of 24 values, 10 devices, 5 classes" '"turn, left"' \
  "train       700 windows, 7 devices, 5 classes" "test        200 windows, 2 devices, 5 classes" \
  "storage     i16" 'dataset = "hand"' "input = \[24\]" "the last layer has 5 units"; do
  grep -q -- "$text" summary.txt || fail "the summary has no '$text': $(cat summary.txt)"
done
(cd data/hand && sha256sum --quiet -c sha256sums) || fail "sha256sums"

# What the summary says to write is what the experiment says.
{
  printf 'name = "hand"\n[model]\nloss = "softmax_cross_entropy"\n'
  grep -E '^ *input(_scale|_offset)? = ' summary.txt
  printf 'layers = [{ type = "dense", units = 16 }, { type = "relu" }, { type = "dense", units = 5, gain = 0.3 }]\n'
  printf '[task]\nsource = "dataset"\ndataset = "hand"\nlabels = "permuted"\nways = 5\nsupport_size = 5\nquery_size = 5\n'
  printf '[meta]\nstrategy = "tinyreptile"\nrounds = 300\ncohort = 4\ninner_learning_rate = 0.02\n'
  printf '[evaluation]\ntasks = 100\npasses = 8\n[fleet]\ndevices = 20\nheld_out = 4\n'
} >hand.toml
"$sim" run hand.toml --data data --out out --quiet >log 2>&1 || fail "$(cat log)"
accuracy=$(sed -n 's/.*"query_accuracy_after": *\([0-9.]*\).*/\1/p' out/summary.json)
awk -v accuracy="$accuracy" 'BEGIN {exit !(accuracy > 0.6)}' || fail "accuracy $accuracy, by chance 0.2"

# The same bytes again; another seed deals other gloves.
"${import[@]}" --out again/hand >/dev/null
diff -r data again || fail "a second import differs"
"${import[@]}" --out seed/hand --seed 2 >/dev/null
cmp -s data/hand/split.npy seed/hand/split.npy && fail "the seed does nothing"

# expect CODE TEXT ARGUMENT...: refused so, and nothing is left.
expect() {
  local code=$1 text=$2 got=0
  shift 2
  "$sim" import "$@" --out refused/set >log 2>&1 || got=$?
  [[ $got == "$code" ]] || fail "$*: ended with $got, not $code: $(cat log)"
  grep -qF -- "$text" log || fail "$*: wanted '$text': $(cat log)"
  [[ ! -e refused || -z $(ls -A refused) ]] || fail "$*: left $(ls -A refused)"
}
by=(--label motion --device glove)
# malformed CODE TEXT CONTENT
malformed() {
  printf '%b' "$3" >bad.csv
  expect "$1" "$2" bad.csv "${by[@]}"
}
malformed 4 "bad.csv: is empty" ''
malformed 4 'bad.csv:1: --label: there is no column "motion", there are "action", "glove", "x"' 'action,glove,x\na,1,1\n'
malformed 4 'bad.csv:1: column "x" is there twice, in places 3 and 4' 'motion,glove,x,x\na,1,1,1\n'
malformed 4 "bad.csv:3: has 4 fields, the header has 3" 'motion,glove,x\na,1,1\nb,2,2,2\n'
malformed 4 'bad.csv:3: column "x": "n/a" is not a number; fill the gap' 'motion,glove,x\na,1,1\nb,2,n/a\n'
malformed 4 'bad.csv:2: column "x": "nan" is not a finite number' 'motion,glove,x\na,1,nan\n'
malformed 4 'bad.csv:2: column "motion": is empty' 'motion,glove,x\n"",1,1\n'
malformed 4 "bad.csv:3: column 1 opens a quote that is never closed" 'motion,glove,x\na,1,1\n"b,2,2\n'
malformed 4 "bad.csv:2: column 3 has a zero byte" 'motion,glove,x\na,1,\00001\n'
malformed 4 "bad.csv: has no windows" 'motion,glove,x\n'
expect 4 "none.csv: cannot be read: No such file or directory" none.csv "${by[@]}"
expect 4 "wanted a file; it is read twice" /dev/null "${by[@]}"
expect 2 "none is left for training" windows.csv "${by[@]}" --columns x0 --test 0.9 --validation 0.05
expect 2 "--shape: 5x5 does not have the 24 values of a window" windows.csv "${by[@]}" --columns x0..x23 --shape 5x5
expect 2 "--shape: '5x' is no shape" windows.csv "${by[@]}" --shape 5x
expect 2 "--split" windows.csv "${by[@]}" --split motion --seed 3

expect 2 "they need --window" windows.csv "${by[@]}" --stride 5
expect 2 "--horizon: '1,' is no list of readings" windows.csv "${by[@]}" --target x0 --horizon 1,

# A raw log: windows, times, and what is said of them; interrupted in the middle it leaves nothing.
python3 - <<'END'
with open("log.csv", "w") as file:
    print("Zeit;glove;motion;x;y", file=file)
    for reading in range(400000):
        gap = 7 if reading >= 300000 else 0
        print(f"{reading // 4 * 20 + gap * 1000};g{reading % 4};{'wave' if reading < 200000 else 'fist'};{reading % 77};0,5", file=file)
END
log=("$sim" import log.csv "${by[@]}" --window 50 --stride 25 --rate 50 --time Zeit --time-unit ms)
"${log[@]}" --out data/log >summary.txt
for text in "log.csv: 15988 windows of 100 values" "400000 in 8 stretches without a gap, 50 a second stated, 50 measured" \
  "4 steps in time too long" "each shares readings with 1 after it" "input = \[50, 2\]" "input_scale = \[" \
  '"y"  *0.5  *0.5'; do
  grep -q -- "$text" summary.txt || fail "the summary of a log has no '$text': $(cat summary.txt)"
done
[[ -s data/log/time.npy && -s data/log/recording.npy ]] || fail "a log has times and recordings"
"${log[@]}" --out refused/set >log 2>&1 &
pid=$!
for _ in {1..500}; do
  [[ ! -d refused ]] || break # the second pass has begun
  sleep 0.01
done
kill -INT $pid
got=0
wait $pid || got=$?
pid=
[[ $got == 130 ]] || fail "an interrupted import ended with $got: $(cat log)"
grep -q "interrupted; nothing was written" log || fail "$(cat log)"
[[ ! -e refused || -z $(ls -A refused) ]] || fail "an interrupted import left $(ls -A refused)"

# A folder with files is left alone; a full disk leaves nothing.
got=0
"${import[@]}" --out data/hand >log 2>&1 || got=$?
[[ $got == 8 ]] || fail "a second import over a data set ended with $got"
grep -q "data/hand: is there already and not empty" log || fail "$(cat log)"
diff -r data/hand again/hand || fail "a refused import changed the data set"
got=0
(ulimit -f 8 && trap '' XFSZ && "${import[@]}" --out refused/set) >log 2>&1 || got=$?
[[ $got == 8 ]] || fail "without room it ended with $got: $(cat log)"
grep -q "x.npy: cannot be written: File too large" log || fail "$(cat log)"
[[ -z $(ls -A refused) ]] || fail "without room it left $(ls -A refused)"
