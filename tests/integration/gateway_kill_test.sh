#!/usr/bin/env bash
# The coordinator of a service, its broker and its devices are killed (-9) at ten random moments of a run and of the release of its
# model; the run ends with the simulator's model, and every device has it. scripts/soak-gateway does it for longer.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "killing a service"
"$fleet_root/scripts/soak-gateway" 10 --bin "$fleet_bin" || fail "see above; --seed repeats it"
