#!/usr/bin/env bash
# One training program, many builds, the same bits: compilers and optimisation levels may not change a result. That the
# comparison can fail is shown by builds with contraction, which the canary must recognise.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/skink bits.XXXXXX") # the space is on purpose
trap 'rm -rf "$work"' EXIT

sources=("$root/tests/golden/bits_program.cpp")
for file in arithmetic/{canary,elementary,fixed_point,permutation,philox} nn/{compact,network,planner,training}; do
  sources+=("$root/common/$file.cpp")
done

# build NAME COMPILER FLAG...
build() {
  local name=$1
  shift
  "$@" -std=c++17 -I"$root/common/include" -o "$work/$name" "${sources[@]}"
}

# hash NAME: of what the program writes, which is never nothing.
hash() {
  "$work/$1" >"$work/$1.out"
  [[ -s "$work/$1.out" ]]
  sha256sum <"$work/$1.out" | cut -d ' ' -f 1
}

canary() {
  "$work/$1" canary
}

compilers=(g++)
if command -v clang++-14 >/dev/null; then
  compilers+=(clang++-14)
else
  echo "SKIPPED: clang++-14 is not installed"
fi

failed=0
expected=
for compiler in "${compilers[@]}"; do
  for flags in "-O0" "-O2" "-O3" "-O3 -march=native"; do
    name="$compiler$flags"
    # shellcheck disable=SC2086 # several flags
    build "$name" "$compiler" $flags -ffp-contract=off -fno-math-errno
    digest=$(hash "$name")
    expected=${expected:-$digest}
    verdict=same
    if [[ $digest != "$expected" || $(canary "$name") != "floating point is sound" ]]; then
      verdict=FAILED
      failed=1
    fi
    echo "$verdict: $digest  $compiler $flags, canary: $(canary "$name")"
  done
done

if [[ $(uname -m) == x86_64 ]] && ! grep -qw fma /proc/cpuinfo; then
  echo "SKIPPED: this processor has no fused multiply-add; nothing shows that the comparison can fail"
else
  for compiler in "${compilers[@]}"; do
    build contracted "$compiler" -O3 -march=native -ffp-contract=fast
    digest=$(hash contracted)
    verdict=different
    if [[ $digest == "$expected" || $(canary contracted) != "multiply and add are fused"* ]]; then
      verdict=FAILED
      failed=1
    fi
    echo "$verdict: $digest  $compiler -O3 -march=native -ffp-contract=fast, canary: $(canary contracted)"
  done
fi
exit "$failed"
