#!/usr/bin/env bash
# One experiment, one hash: whatever instruction set, kind of lanes, number of threads and number of processes compute it.
# And processes together: killed ones go on from their checkpoint in another number, interrupted ones write what there is, one
# that cannot go on ends all.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
run=(run "$root/experiments/sine.toml" --quiet --set meta.rounds=60 --set meta.cohort=21 --set evaluation.every=20
  --set evaluation.final_tasks=70)

isas=()
for isa in scalar avx2 avx512 neon; do
  if "$sim" "${run[@]}" --isa $isa --set meta.rounds=1 --out "$work/probe" >/dev/null 2>&1; then isas+=("$isa"); fi
done
counts=(1)
if command -v mpirun >/dev/null; then counts+=(2 4); else echo "SKIPPED: several processes, mpirun is not installed"; fi
# As root too, on this machine's own network only.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
# OpenMPI leaves memory behind when it ends, which is none of ours.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
# together COUNT ARGUMENT...: skink-sim in so many processes.
together() {
  local count=$1
  shift
  if [[ $count == 1 ]]; then "$sim" "$@"; else mpirun --oversubscribe -n "$count" "$sim" "$@"; fi
}

"$sim" "${run[@]}" --engine protocol --out "$work/protocol" >/dev/null
checked=0
for isa in "${isas[@]}"; do
  for lanes in device neuron; do
    for threads in 1 2; do
      for count in "${counts[@]}"; do
        name=$isa-$lanes-$threads-$count
        together "$count" "${run[@]}" --isa "$isa" --lanes $lanes --threads $threads --out "$work/$name" >/dev/null ||
          fail "$name"
        cmp "$work/protocol/model.skm" "$work/$name/model.skm" || fail "$name: another model"
        diff <(cut -d, -f1-6,10-15 "$work/protocol/metrics.csv") <(cut -d, -f1-6,10-15 "$work/$name/metrics.csv") ||
          fail "$name: other metrics"
        checked=$((checked + 1))
      done
    done
  done
done
echo "$checked ways of ${isas[*]}, device and neuron lanes, 1 and 2 threads, ${counts[*]} processes: one model," \
  "$(sha256sum "$work/protocol/model.skm" | cut -c1-16)"

# ---- codecs: residuals are exchanged between processes

for codec in topk:0.05+ternary+range+ef eden:1+ef; do
  fed=("${run[@]}" --set "codec.uplink=$codec" --set codec.downlink=eden:1+ef --set meta.rounds=20)
  "$sim" "${fed[@]}" --engine protocol --out "$work/fed-$codec" >/dev/null
  for isa in "${isas[@]}"; do
    for count in "${counts[@]}"; do
      together "$count" "${fed[@]}" --isa "$isa" --threads 2 --out "$work/fed-$isa-$count-$codec" >/dev/null ||
        fail "$codec, $isa, $count processes"
      cmp "$work/fed-$codec/model.skm" "$work/fed-$isa-$count-$codec/model.skm" || fail "$codec, $isa, $count processes: another model"
    done
  done
  echo "$codec: one model, $(sha256sum "$work/fed-$codec/model.skm" | cut -c1-16)"
done
# ---- clients with different records, classes and weights: lanes that end early, figures added up over processes

"${SKINK_PYTHON:-/usr/bin/python3}" "$root/tests/data/make_sensors.py" "$work/data/sensors"
# clients_agree NAME EXPERIMENT LANES SETTING...
clients_agree() {
  local name=$1 own=(run "$root/tests/golden/$2.toml" --quiet --data "$work/data") kinds=$3 isa lanes count out
  shift 3
  own+=("$@")
  "$sim" "${own[@]}" --engine protocol --out "$work/$name" >/dev/null
  for isa in "${isas[@]}"; do
    for lanes in $kinds; do
      for count in "${counts[@]}"; do
        out=$work/$name-$isa-$lanes-$count
        together "$count" "${own[@]}" --isa "$isa" --lanes "$lanes" --threads 2 --out "$out" >/dev/null || fail "$out"
        cmp "$work/$name/model.skm" "$out/model.skm" || fail "$out: another model"
        cmp "$work/$name-scalar-device-1/devices.csv" "$out/devices.csv" || fail "$out: other devices.csv"
      done
    done
  done
  echo "$name: one model, $(sha256sum "$work/$name/model.skm" | cut -c1-16)"
}
clients_agree uneven uneven device
clients_agree uneven-online uneven "device neuron" --set meta.batch_size=1 --set evaluation.batch_size=1
clients_agree forecast forecast "device neuron"
clients_agree machines machines device
[[ ${#counts[@]} -gt 1 ]] || exit 0

# ---- processes together
long=(run "$root/experiments/sine.toml" --quiet --threads 1 --checkpoint-rounds 50 --set evaluation.every=0
  --set evaluation.final_tasks=40)
# Long enough to be killed three times, whatever this machine's speed: some 8 s.
mpirun --oversubscribe -n 2 "$sim" "${long[@]}" --set meta.rounds=300 --out "$work/short" >/dev/null
rounds=$(/usr/bin/python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(max(2000, int(s["rounds"] / s["wall_seconds"] * 8 / 50) * 50))' \
  "$work/short/summary.json")
long+=(--set "meta.rounds=$rounds")
"$sim" "${long[@]}" --out "$work/calm" >/dev/null
mkdir "$work/killed"
checkpoint() { cat "$work/killed/checkpoint.json" 2>/dev/null || true; }
for count in 2 3 2; do
  before=$(checkpoint)
  mpirun --oversubscribe -n $count "$sim" "${long[@]}" --out "$work/killed" >"$work/log" 2>&1 &
  pid=$!
  for _ in $(seq 1000); do # until it has written a further checkpoint
    [[ $(checkpoint) == "$before" ]] || break
    sleep 0.02
  done
  # All of them at once: processes whose mpirun alone is gone may go on for seconds.
  pkill -KILL -f -- "--out $work/killed" || fail "the run was over before it was killed: $(cat "$work/log")"
  wait "$pid" 2>/dev/null || true
  pid=
done
together 4 "${long[@]}" --out "$work/killed" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
grep "continued after" "$work/log" || fail "it began anew: $(cat "$work/log")"
for file in model.skm metrics.csv; do cmp "$work/calm/$file" "$work/killed/$file" || fail "$file differs"; done

mpirun --oversubscribe -n 2 "$sim" "${long[@]}" --set meta.rounds=1000000 --out "$work/stopped" >"$work/log" 2>&1 &
pid=$!
for _ in $(seq 100); do
  [[ ! -f $work/stopped/model-50.skm ]] || break
  sleep 0.1
done
kill -INT "$pid"
wait "$pid" || true # mpirun's own status
pid=
grep -q "stopped after" "$work/log" || fail "interrupted processes do not say so: $(cat "$work/log")"
[[ -f $work/stopped/summary.json && -f $work/stopped/checkpoint.json ]] || fail "they leave nothing"

code=0
timeout 60 mpirun --oversubscribe -n 2 "$sim" run "$root/experiments/omniglot-5w5s.toml" --quiet --data "$work/absent" \
  --out "$work/refused" >"$work/log" 2>&1 || code=$?
[[ $code != 0 && $code != 124 ]] || fail "an error ends with $code: $(cat "$work/log")"
grep -q "omniglot" "$work/log" || fail "the reason is not given: $(cat "$work/log")"
code=0
mpirun --oversubscribe -n 2 "$sim" "${run[@]}" --engine protocol --out "$work/refused" >"$work/log" 2>&1 || code=$?
[[ $code != 0 ]] || fail "--engine protocol ran in two processes"
grep -q "runs in one process" "$work/log" || fail "$(cat "$work/log")"
if pgrep -f -- "--out $work/" >/dev/null; then fail "processes are left"; fi
