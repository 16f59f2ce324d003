# shellcheck shell=bash disable=SC2154 # firmware_lib.sh sets the names that are not here
# Runs images of the board pico in an emulated RP2040. To be sourced after firmware_lib.sh.
pico_build=$fleet_root/build/firmware-pico
pico_here=$fleet_root/tests/firmware/pico

# Ends the script where there is no image or no emulator; gets that with npm, once for each lock file. Enters $fleet_work.
need_pico() {
  local program skip="SKIPPED: an emulated RP2040:"
  if [[ ! -f $pico_build/skink-client.elf ]]; then
    echo "$skip build/firmware-pico was not built (scripts/fetch-firmware-deps --pico)"
    exit 0
  fi
  for program in node npm arm-none-eabi-gcc; do
    command -v "$program" >/dev/null || { echo "$skip $program is not installed" && exit 0; }
  done
  export SKINK_PICO_MODULES=${SKINK_BUILD_DIR:?}/pico_test
  cd "$fleet_work" || exit 1
  cmp -s "$pico_here/package-lock.json" "$SKINK_PICO_MODULES/installed.json" && return
  rm -rf "$SKINK_PICO_MODULES"
  mkdir -p "$SKINK_PICO_MODULES"
  cp "$pico_here/package.json" "$pico_here/package-lock.json" "$SKINK_PICO_MODULES"
  if ! (cd "$SKINK_PICO_MODULES" && timeout 120 npm ci --no-audit --no-fund) >npm.log 2>&1; then
    echo "$skip npm ci failed: $(grep -m 1 'npm error' npm.log || tail -n 1 npm.log)"
    exit 0
  fi
  cp "$pico_here/package-lock.json" "$SKINK_PICO_MODULES/installed.json"
}

# pico FILE.uf2... [OPTION...]: see board.mjs
pico() {
  timeout 100 node "$pico_here/board.mjs" "$@"
}
