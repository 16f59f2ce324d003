#!/usr/bin/env bash
# The freestanding libraries on a machine that has nothing of what hosts need: as a build of their own (SKINK_BUILD_HOST=OFF), with
# nanopb and mbedTLS of the machine; and inside of somebody else's project (add_subdirectory), with those that
# scripts/fetch-firmware-deps brings, and without any package. No header of anything else is read.
set -euo pipefail
root=${SKINK_SOURCE_DIR:?}
if [[ -n ${SKINK_SANITIZE:-} ]]; then
  echo "SKIPPED: freestanding libraries by themselves: the build without sanitizers does it"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() {
  echo "FAILED: $*"
  exit 1
}

# Every package that the project asks for, but those named.
mapfile -t packages < <(grep -rhoP '(?<=find_package\()[A-Za-z0-9]+' "$root/CMakeLists.txt" "$root"/cmake "$root"/{common,edge,host,rounds,coordinator,simulations,firmware/CMakeLists.txt,tests/CMakeLists.txt,packaging/CMakeLists.txt} \
  --include=CMakeLists.txt --include='*.cmake' | sort -u)
[[ " ${packages[*]} " == *" Boost "*" MbedTLS "*" nanopb "* ]] || fail "the packages were not found: ${packages[*]}"
# without PACKAGE...: options that forbid all but these
without() {
  local package
  for package in "${packages[@]}"; do
    [[ " $* " == *" $package "* ]] || echo "-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"
  done
}
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
export CCACHE_BASEDIR=$root

# build FOLDER: and no header is of another library
build() {
  cmake --build "$1" >"$1.log" 2>&1 || fail "$1: $(grep -m 5 -A 5 -E 'error|FAILED' "$1.log")"
  ninja -C "$1" -t deps >headers.txt
  grep -q 'skink/common/span.hpp' headers.txt || fail "$1: no headers were found"
  if grep -oE '^ *(\.\./)*/?usr/(local/)?include/([^/]*-linux-gnu/)?(boost|mqtt|openssl|sqlite3|toml\+\+|CLI|fmt|systemd|eigen3|catch2|mpi)[/.].*' headers.txt | sort -u | grep -m 3 .; then
    fail "$1 reads headers of other libraries"
  fi
}

mapfile -t forbidden < <(without nanopb MbedTLS)
cmake -S "$root" -B alone -G Ninja -DSKINK_BUILD_HOST=OFF -DSKINK_BUILD_TESTS=OFF "${forbidden[@]}" "${launcher[@]}" >alone.log 2>&1 ||
  fail "alone: $(grep -m 1 -A 5 Error alone.log)"
build alone
[[ -f alone/edge/libskink_edge.a && ! -e alone/host && ! -e alone/coordinator ]] || fail "alone: $(ls alone)"
echo "SKINK_BUILD_HOST=OFF: builds with nanopb and mbedTLS, ${#forbidden[@]} packages forbidden"

mkdir product
cp "$root/tests/install/consumer/product.cpp" product/
cat >product/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(product LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS OFF)
add_subdirectory("$root" skink)
add_executable(product product.cpp)
target_compile_definitions(product PRIVATE WANTED_STANDARD=17)
target_link_libraries(product PRIVATE skink::edge skink::edge_mqtt)
END
mapfile -t forbidden < <(without)
if [[ ! -f $root/firmware/third_party/nanopb/.sha256 || ! -f $root/firmware/third_party/mbedtls/.sha256 ]]; then
  if cmake -S product -B inside -G Ninja "${forbidden[@]}" >inside.log 2>&1; then fail "configured with nothing"; fi
  tr -s ' \n' ' ' <inside.log | grep -q "run scripts/fetch-firmware-deps first; or install nanopb and mbedTLS" || fail "$(tail -5 inside.log)"
  echo "SKIPPED: freestanding libraries inside of another project: scripts/fetch-firmware-deps has not run"
  exit 0
fi
cmake -S product -B inside -G Ninja "${forbidden[@]}" "${launcher[@]}" >inside.log 2>&1 || fail "inside: $(grep -m 1 -A 5 Error inside.log)"
build inside
if grep -qE 'usr/(local/)?include/([^/]*-linux-gnu/)?(mbedtls|nanopb|pb)' headers.txt; then fail "inside: headers of packages that were forbidden"; fi
inside/product >/dev/null || fail "inside: product ended with $?"
echo "add_subdirectory: builds and runs without any package, ${#forbidden[@]} forbidden"
