#!/usr/bin/env bash
# One experiment, one hash, for each strategy: whatever instruction set, kind of lanes, number of threads and of processes
# computes it. hash_matrix_test does the same for the default strategy, with checkpoints and codecs.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
run=(run "$root/experiments/sine.toml" --quiet --set meta.rounds=15 --set meta.cohort=21 --set evaluation.every=0
  --set evaluation.final_tasks=20 --set task.query_size=9)

isas=()
for isa in scalar avx2 avx512 neon; do
  if "$sim" "${run[@]}" --isa $isa --set meta.rounds=1 --out "$work/probe" >/dev/null 2>&1; then isas+=("$isa"); fi
done
counts=(1)
if command -v mpirun >/dev/null; then counts+=(2); else echo "SKIPPED: several processes, mpirun is not installed"; fi
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

# matrix NAME SETTING...: all ways end with the protocol engine's model.
matrix() {
  local name=$1 settings=() isa lanes count way checked=0
  shift
  for setting in "$@"; do settings+=(--set "$setting"); done
  "$sim" "${run[@]}" "${settings[@]}" --engine protocol --out "$work/$name" >/dev/null
  for isa in "${isas[@]}"; do
    for lanes in device neuron; do
      # Neuron lanes are for online SGD.
      [[ $lanes == device || ! " $* " =~ (fomaml|batch_size) ]] || continue
      for count in "${counts[@]}"; do
        way=$name-$isa-$lanes-$count
        together "$count" "${run[@]}" "${settings[@]}" --isa "$isa" --lanes $lanes --threads 2 --out "$work/$way" >/dev/null ||
          fail "$way"
        cmp "$work/$name/model.skm" "$work/$way/model.skm" || fail "$way: another model"
        checked=$((checked + 1))
      done
    done
  done
  echo "$name: $checked ways, one model, $(sha256sum "$work/$name/model.skm" | cut -c1-16)"
  sha256sum "$work/$name/model.skm" | cut -c1-64 >>"$work/models"
}

matrix fedprox meta.strategy=fedprox meta.proximal=5
matrix fedprox-batches meta.strategy=fedprox meta.proximal=5 meta.batch_size=4
matrix fomaml meta.strategy=fomaml
matrix fomaml-batches meta.strategy=fomaml meta.batch_size=4
matrix fedavgm meta.strategy=fedavgm
matrix fedadam meta.strategy=fedadam
matrix fedadam-codecs meta.strategy=fedadam codec.uplink=eden:2+ef codec.downlink=eden:1+ef
matrix fedyogi meta.strategy=fedyogi meta.batch_size=4
[[ $(sort -u "$work/models" | wc -l) == 8 ]] || fail "two of them are one model"
