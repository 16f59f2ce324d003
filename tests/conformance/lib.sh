# shellcheck shell=bash
# What the tests of scripts/conformance share. To be sourced first, with what the test is of; without a broker, or what the
# tool is written with, the test ends.
root=${SKINK_SOURCE_DIR:?}
: "${SKINK_BIN_DIR:?}" "${SKINK_PYTHON:?}"

if [[ ! -x /usr/sbin/mosquitto ]] || ! /usr/bin/python3 -c 'import numpy, paho.mqtt.client' 2>/dev/null; then
  echo "SKIPPED: $1: mosquitto, python3-numpy or python3-paho-mqtt is not installed"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

fail() {
  echo "FAILED: $*"
  exit 1
}

# check NAME ARGUMENT...: what scripts/conformance says is in $work/NAME.log.
check() {
  local name=$1
  shift
  TMPDIR=$work "$root/scripts/conformance" "$@" >"$work/$name.log" 2>&1
}
