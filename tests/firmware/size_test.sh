#!/usr/bin/env bash
# The images, and what a run takes of stack and TLS memory, are no larger than docs/size-report.md says.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm
need_board lm3s6965evb skink-client qemu-system-arm
"$fleet_root/scripts/lib/device-marks" "$fleet_work/consoles" mps2-an386 lm3s6965evb
"$fleet_root/scripts/size-report" --consoles "$fleet_work/consoles" --check
