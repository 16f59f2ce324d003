#!/usr/bin/env bash
# Installs this build into a folder and builds a project against it, as somebody else would: with GCC and clang, in C++17
# and C++20, with warnings as errors. The installed headers are all that it sees. Then a component that is not there, and an
# installation of one component.
set -euo pipefail
root=${SKINK_SOURCE_DIR:?}
build=${SKINK_BUILD_DIR:?}
if [[ -n ${SKINK_SANITIZE:-} ]]; then
  echo "SKIPPED: a project against the installed libraries: those of a sanitizer build are for its own programs"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || fail "cmake --install: $(tail -3 "$work/install.log")"
for program in skink-sim skink-coordinator skink-edge skinkctl; do
  [[ $("$work/prefix/bin/$program" --version) == "$program "* ]] || fail "$program --version"
done
if grep -rlF -e "$root" -e "$build" "$work"/prefix/lib*/cmake "$work"/prefix/lib/*/cmake 2>/dev/null; then
  fail "the installed package names folders of the build"
fi

cat >"$work/sine.toml" < <(sed -e 's/^rounds = .*/rounds = 20/' -e 's/^cohort = .*/cohort = 4/' "$root/experiments/sine.toml")
expected=$("$build/bin/skink-sim" run "$work/sine.toml" --out "$work/out" --quiet | awk '/sha256/ {print $NF}')
[[ $expected =~ ^[0-9a-f]{64}$ ]] || fail "skink-sim printed no hash"

# consumer NAME COMPILER STANDARD WITH_HOST
consumer() {
  local folder=$work/$1
  cmake -G Ninja -S "$root/tests/install/consumer" -B "$folder" -DCMAKE_CXX_COMPILER="$2" -DCMAKE_CXX_STANDARD="$3" \
    -DCMAKE_CXX_STANDARD_REQUIRED=ON -DCMAKE_CXX_EXTENSIONS=OFF -DWITH_HOST="$4" -DCMAKE_PREFIX_PATH="$work/prefix" \
    >"$folder.log" 2>&1 || fail "$1: $(tail -20 "$folder.log")"
  cmake --build "$folder" >"$folder.log" 2>&1 || fail "$1: $(grep -m 5 -A 5 -E 'error|FAILED' "$folder.log")"
  "$folder/product" >"$folder.out" || fail "$1: product ended with $?: $(cat "$folder.out")"
  if [[ $4 == ON ]]; then
    [[ $("$folder/simulated_fleet" "$work/sine.toml") == "$expected" ]] || fail "$1: another model than skink-sim's"
    "$folder/gateway" "$work/sine.toml" >>"$folder.out" || fail "$1: gateway: $(cat "$folder.out")"
  fi
  echo "$1: $(tr '\n' ';' <"$folder.out")"
}

for compiler in g++ clang++-14; do
  if ! command -v "$compiler" >/dev/null; then
    echo "SKIPPED: a project against the installed libraries with $compiler: it is not installed"
    continue
  fi
  consumer "$compiler-17" "$compiler" 17 OFF
  consumer "$compiler-20" "$compiler" 20 ON
done

# An error that says what there is.
mkdir "$work/wrong"
printf 'cmake_minimum_required(VERSION 3.25)\nproject(wrong LANGUAGES CXX)\nfind_package(skink REQUIRED COMPONENTS gateway)\n' \
  >"$work/wrong/CMakeLists.txt"
if cmake -S "$work/wrong" -B "$work/wrong/build" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/wrong.log" 2>&1; then
  fail "a component that does not exist was found"
fi
grep -q "no component gateway; it has: common edge" "$work/wrong.log" || fail "the error: $(cat "$work/wrong.log")"

# The freestanding part alone needs neither Boost nor Paho nor a C++20 compiler.
for component in common edge; do
  cmake --install "$build" --prefix "$work/small" --component "$component" >>"$work/install.log"
done
[[ ! -e $work/small/include/skink/host && ! -e $work/small/bin ]] || fail "more than was asked for: $(ls "$work/small")"
cmake -G Ninja -S "$root/tests/install/consumer" -B "$work/small-build" -DWITH_HOST=OFF -DCMAKE_CXX_STANDARD=17 \
  -DCMAKE_PREFIX_PATH="$work/small" -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON >"$work/small.log" 2>&1 ||
  fail "edge alone: $(tail -20 "$work/small.log")"
cmake --build "$work/small-build" >"$work/small.log" 2>&1 || fail "edge alone: $(tail -20 "$work/small.log")"
"$work/small-build/product" >/dev/null || fail "edge alone: product"
echo "edge alone: builds and runs"
