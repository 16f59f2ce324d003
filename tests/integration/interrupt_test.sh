#!/usr/bin/env bash
# Ctrl-C and SIGTERM are heard within a second, in the middle of a round, of an evaluation and of the data; what is in work is
# given up, and the same command goes on. In the end a run says when nothing was learned, with an exit code of its own.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
cd "$work"
experiment=$root/experiments/sine.toml

# heard SIGNAL WANT NAME COMMAND...: it ends with WANT, less than a second after the signal (two on a busy machine).
cat >heard.py <<'PYTHON'
import os, signal, subprocess, sys, time
number, want, name = getattr(signal, sys.argv[1]), sys.argv[2].split(","), sys.argv[3]
process = subprocess.Popen(sys.argv[4:], stdout=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
time.sleep(1.5)
assert process.poll() is None, f"{name}: was over before"
process.send_signal(number)
begin = time.time()
try:
    process.wait(20)
except subprocess.TimeoutExpired:
    process.kill()
    sys.exit(f"{name}: still running after 20 s")
took = time.time() - begin
print(f"{name}: ended {process.returncode} after {took:.2f} s")
assert str(process.returncode) in want, f"{name}: exit code {process.returncode}"
assert took < float(os.environ["SKINK_HEARD_S"]), f"{name}: it took {took:.1f} s"
PYTHON
export SKINK_HEARD_S=${SKINK_HEARD_S:-2}
heard() { /usr/bin/python3 heard.py "$@" || fail "$3"; }

run=("$sim" run "$experiment" --quiet --set meta.rounds=5)
big=(--set fleet.devices=1000000 --set meta.cohort=900000 --set meta.passes=200)
heard SIGINT 0 "a round of 900,000 devices" "${run[@]}" "${big[@]}" --out round
heard SIGTERM 0 "a round of few devices, many passes, many samples" "${run[@]}" --set meta.cohort=2 --set meta.passes=1024 \
  --set task.support_size=20000 --set evaluation.final_tasks=0 --set evaluation.tasks=0 --set evaluation.every=0 --out few
heard SIGINT 0 "a serial round" "${run[@]}" --set meta.cohort=1 --set meta.passes=1024 --set meta.meta_learning_rate=0.1 \
  --set task.support_size=60000 --set evaluation.final_tasks=0 --set evaluation.tasks=0 --set evaluation.every=0 --out serial
heard SIGINT 0 "mini-batches" "${run[@]}" --set meta.strategy=reptile --set meta.batch_size=1000 --set meta.cohort=1 \
  --set meta.passes=1024 --set task.support_size=60000 --set evaluation.final_tasks=0 --set evaluation.tasks=0 \
  --set evaluation.every=0 --out batches
heard SIGTERM 0 "an evaluation of 1,000,000 tasks" "${run[@]}" --set evaluation.tasks=1000000 --set evaluation.passes=500 \
  --set evaluation.final_tasks=1000000 --out evaluation
heard SIGINT 0 "the protocol engine" "${run[@]}" --engine protocol --set meta.passes=1024 --set task.support_size=5000 --out protocol
heard SIGINT 0 "a sweep" "$sim" sweep "$experiment" --quiet --seeds 1..3 "${big[@]}" --out sweep
heard SIGINT 0 "codecs" "$sim" codecs "$experiment" --quiet --seeds 1..2 --set evaluation.every=1 --set meta.passes=1024 \
  --set task.support_size=20000 --out codecs
"$sim" run "$experiment" --quiet --rounds 1 --out model >/dev/null
heard SIGINT -2 "evaluate" "$sim" evaluate "$experiment" --set evaluation.final_tasks=1000000 --set evaluation.passes=500 \
  --model model/model.skm
mkdir -p data/images
mkfifo data/images/x.npy  # data that take for ever to read: nothing is lost when such a run is killed
heard SIGINT -2 "data that are read" "$sim" run "$root/experiments/images-5w5s.toml" --quiet --data data --out reading
heard SIGTERM -15 "data of a sweep" "$sim" sweep "$root/experiments/images-5w5s.toml" --quiet --data data --out reading-sweep
heard SIGTERM -15 "bench" "$sim" bench --quiet --seconds 100
grep -q '"rounds":0' round/summary.json || fail "a round that was given up is counted: $(cat round/summary.json)"
[[ -f round/checkpoint.json ]] || fail "no checkpoint"

# ---- nothing was learned
code=0
"$sim" run "$experiment" --quiet --rounds 5 --set meta.inner_learning_rate=100 --out diverged >out.txt 2>err.txt || code=$?
[[ $code == 10 ]] || fail "exit code $code instead of 10: $(cat out.txt err.txt)"
grep -q "all .* updates diverged" err.txt || fail "$(cat err.txt)"
grep -q "inner_learning_rate = 100 .* try 0.01" err.txt || fail "$(cat err.txt)"
grep -q "0 taken, .* diverged, 0 refused" out.txt || fail "$(cat out.txt)"
code=0
"$sim" codecs "$experiment" --quiet --seeds 1 --rounds 20 --set evaluation.every=10 --set meta.inner_learning_rate=100 \
  --codecs float32 int8 --out diverged-codecs >out.txt 2>err.txt || code=$?
[[ $code == 10 ]] || fail "exit code $code instead of 10: $(cat out.txt err.txt)"
if grep -E "nan|inf" out.txt diverged-codecs/codecs.* ; then fail "a number that is none"; fi
"$sim" sweep "$experiment" --quiet --seeds 1..2 --rounds 5 --grid meta.inner_learning_rate=0.002,100 --out diverged-sweep \
  >out.txt 2>err.txt || fail "$(cat err.txt)"
grep -q "2 of 4 runs learned nothing" err.txt || fail "$(cat err.txt)"
grep -qE "^ *100 .* of .* updates$" out.txt || fail "$(cat out.txt)"

# ---- a folder is of one experiment, and tells it
"$sim" run "$experiment" --quiet --rounds 5 --out mine >/dev/null
"$sim" run mine/experiment.toml --quiet --out again >/dev/null
cmp mine/model.skm again/model.skm || fail "experiment.toml is another experiment"
cmp mine/experiment.toml again/experiment.toml || fail "experiment.toml is not written as it was read"
cp mine/summary.json before.json
code=0
"$sim" run "$experiment" --quiet --rounds 6 --out mine 2>err.txt || code=$?
[[ $code == 3 ]] || fail "exit code $code instead of 3: $(cat err.txt)"
grep -q "holds another experiment (.meta. rounds: 5 there, 6 here)" err.txt || fail "$(cat err.txt)"
cmp mine/summary.json before.json || fail "a finished result was touched"
cp mine/model.skm before.skm
cp mine/metrics.csv before.csv
"$sim" run "$experiment" --quiet --rounds 5 --set meta.cohort="$(sed -n 's/^cohort = //p' mine/experiment.toml)" --out mine >/dev/null ||
  fail "a default that is set is another experiment"
if ! cmp mine/model.skm before.skm || ! cmp mine/metrics.csv before.csv; then fail "computed again it is another result"; fi
"$sim" run "$experiment" --quiet --rounds 6 --restart --out mine >/dev/null || fail "--restart is refused"
code=0
"$sim" sweep "$experiment" --quiet --seeds 1 --rounds 2 --out mine 2>err.txt || code=$?
[[ $code == 3 ]] || fail "a sweep took the folder of a run"
code=0
"$sim" run "$experiment" --quiet --rounds 2 --restart --out diverged-sweep 2>err.txt || code=$?
[[ $code == 3 ]] || fail "a run took the folder of a sweep"

# ---- what is wrong with all runs is said once
sed 's/^validation_classes.*//; s/^support_size = 10.*/support_size = 30/' "$root/experiments/images-5w5s.toml" >small.toml
"${SKINK_PYTHON:-/usr/bin/python3}" "$root/tests/data/make_images.py" made/images >/dev/null
code=0
"$sim" sweep small.toml --quiet --seeds 1..3 --grid meta.cohort=1,2 --data made --out failing >/dev/null 2>err.txt || code=$?
[[ $code == 4 ]] || fail "exit code $code instead of 4: $(cat err.txt)"
[[ $(grep -c "support_size + query_size;" err.txt) == 1 ]] || fail "not said once: $(cat err.txt)"
grep -q " and 5 more: data set images" err.txt || fail "$(cat err.txt)"

# ---- nothing that is quoted controls the terminal
for argument in $'x\e[31m.toml' $'--nosuch\e[31m'; do
  if "$sim" run "$argument" --out o 2>&1 | grep -q $'\e'; then fail "a control character is printed"; fi
done
if "$sim" run "$experiment" --out o --set $'codec.uplink="x\\u001b[31m"' 2>&1 | grep -q $'\e'; then fail "a control character"; fi
echo "interruptions: heard"
