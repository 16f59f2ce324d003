#!/usr/bin/env bash
# scripts/conformance passes skink-coordinator, which it kills and starts again on the way.
set -euo pipefail
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "conformance of a coordinator"

passed=true
check coordinator coordinator --json "$work/coordinator.json" \
  --start "exec bash '$root/tests/conformance/start_coordinator.sh'" || passed=false
cat "$work/coordinator.log"
[[ $passed == true ]] || fail "skink-coordinator did not pass"
grep -q ", 0 failed, 0 not checked" "$work/coordinator.log" || fail "not everything was checked"
