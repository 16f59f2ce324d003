#!/usr/bin/env bash
# scripts/conformance passes the firmware on an emulated Cortex-M4. Its samples were recorded for the tool's experiment.
set -euo pipefail
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "conformance of the firmware"
image=$root/build/firmware-mps2-an386/skink-client.elf
if ! command -v qemu-system-arm >/dev/null; then
  echo "SKIPPED: conformance of the firmware: qemu-system-arm is not installed"
  exit 0
fi
if [[ ! -f $image ]]; then
  echo "SKIPPED: conformance of the firmware: build/firmware-mps2-an386/skink-client.elf was not built"
  exit 0
fi

cat >"$work/start" <<'END'
set -euo pipefail
if [[ ! -f $WORK/samples ]]; then # else its power was cut
  "$SKINK_BIN_DIR/skinkctl" provision --fleet "$CONFORMANCE_FLEET" --pki "$CONFORMANCE_PKI" --out "$WORK/images" \
    --id "$CONFORMANCE_ID" --broker "10.0.2.2:$CONFORMANCE_PORT" --server-name localhost
  "$SKINK_BIN_DIR/skink-sim" record "$CONFORMANCE_EXPERIMENT" --device-index "$CONFORMANCE_INDEX" --out "$WORK/samples" \
    --set meta.strategy=fomaml # so that it has the query sets of rounds
fi
exec "$SKINK_SOURCE_DIR/scripts/qemu-device" --board mps2-an386 --identity "$WORK/images/$CONFORMANCE_ID.bin" \
  --recording "$WORK/samples" --flash "$WORK/flash"
END
export WORK=$work
passed=true
check firmware device --id mcu-0 --start "exec bash '$work/start'" || passed=false
cat "$work/firmware.log"
[[ $passed == true ]] || fail "the firmware did not pass"
# A training device's recording has no evaluation; everything else is checked.
[[ $(grep -c "^NOT CHECKED" "$work/firmware.log") -eq 1 ]] || fail "not everything was checked"
grep -q "^NOT CHECKED *evaluate .*NO_DATA" "$work/firmware.log" || fail "something else was not checked"
