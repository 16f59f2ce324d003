# shellcheck shell=bash
# What the tests of emulated devices share. To be sourced first; ends the script where there is no emulator or no image.
fleet_root=${SKINK_SOURCE_DIR:?}
fleet_bin=${SKINK_BIN_DIR:?}
# shellcheck source=scripts/lib/net.sh
. "$fleet_root/scripts/lib/net.sh"
# shellcheck source=scripts/lib/fleet.sh
. "$fleet_root/scripts/lib/fleet.sh"

# need_board BOARD IMAGE EMULATOR
need_board() {
  if ! command -v "$3" >/dev/null; then
    echo "SKIPPED: firmware for $1: $3 is not installed"
    exit 0
  fi
  if [[ ! -f $fleet_root/build/firmware-$1/$2.elf ]]; then
    echo "SKIPPED: firmware for $1: build/firmware-$1/$2.elf was not built"
    exit 0
  fi
}

# need_tool NAME
need_tool() {
  command -v "$1" >/dev/null && return
  echo "SKIPPED: firmware: $1 is not installed"
  exit 0
}

fail() {
  echo "FAILED: $*"
  exit 1
}

fleet_work=$(mktemp -d)
trap 'fleet_stop; rm -rf "$fleet_work"' EXIT
trap 'exit 130' INT TERM
