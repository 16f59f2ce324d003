# shellcheck shell=bash
# Configures and builds a CMake preset. To be sourced, with the repository root as the current folder.

# Boards with a preset firmware-<board>.
# shellcheck disable=SC2034 # used by who sources this
skink_boards=(mps2-an386 mps2-an500 mps2-an505 lm3s6965evb microbit netduinoplus2 rv32-virt template pico pico2)

# True when build/<preset> is absent, of another checkout, or older than the presets. Everything else that would
# need a new configuration, ninja notices by itself.
skink_needs_configure() {
  local cache="build/$1/CMakeCache.txt" ninja="build/$1/build.ninja"
  [[ ! -f $cache || ! -f $ninja || CMakePresets.json -nt $ninja ]] && return 0
  ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"
}

# skink_configure PRESET [TARGET...]: the tests too, which need Catch2 and Eigen, unless programs of release alone are wanted.
skink_configure() {
  local preset=$1 options=()
  shift
  if [[ $preset == release && ($* == skink_programs || $* == skink-sim) ]]; then
    options=(-DSKINK_BUILD_TESTS=OFF)
  fi
  if skink_needs_configure "$preset"; then
    cmake --preset "$preset" --fresh ${options[@]+"${options[@]}"}
  elif [[ ${#options[@]} -eq 0 ]] && grep -qxF "SKINK_BUILD_TESTS:BOOL=OFF" "build/$preset/CMakeCache.txt" &&
    [[ $preset == release ]]; then
    cmake --preset "$preset" -DSKINK_BUILD_TESTS=ON
  fi
}

# skink_build PRESET [TARGET...]
skink_build() {
  local preset=$1
  shift
  skink_configure "$preset" "$@" || return 1
  if [[ $# -gt 0 ]]; then
    cmake --build --preset "$preset" --target "$@"
  else
    cmake --build --preset "$preset"
  fi
}
