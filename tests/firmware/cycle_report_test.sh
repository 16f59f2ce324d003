#!/usr/bin/env bash
# The instructions of training steps against docs/cycle-report.md and the limits.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-bench qemu-system-arm
need_tool arm-none-eabi-objdump
report=$fleet_root/scripts/cycle-report
document=$fleet_root/docs/cycle-report.md
timeout 120 "$report" --check || fail "scripts/cycle-report --check"

# It can fail: a document that claims a tenth for one layer, and one without a table's row.
sed '/^| dense 64 to 32 |/s/ [0-9],\([0-9]*\) |/ \1 |/3' "$document" >"$fleet_work/low.md"
! cmp -s "$document" "$fleet_work/low.md" || fail "no row 'dense 64 to 32' in $document"
grep -v '^| flatten |' "$document" >"$fleet_work/short.md"
for doctored in low short; do
  if timeout 120 "$report" --check --document "$fleet_work/$doctored.md" >"$fleet_work/log" 2>&1; then
    fail "a wrong document passed: $doctored.md"
  fi
  if ! grep -qE '^(FAILED|SKIPPED): ' "$fleet_work/log"; then
    cat "$fleet_work/log"
    fail "$doctored.md was not compared"
  fi
done
