#!/usr/bin/env bash
# The page of skink-coordinator in a real Chromium, with a real broker and devices: an operator logs in, queues a run and
# watches it, pauses and resumes it, releases its model, revokes a device. Every view is looked at by axe-core, on a wide and a
# narrow screen, light and dark; nothing is asked of anybody but the service. With SKINK_SCREENSHOTS=DIR it leaves pictures.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "the page in a browser"
skip() {
  echo "SKIPPED: the page in a browser: $*"
  exit 0
}
command -v chromium >/dev/null || skip "chromium is not installed"
for program in node npm; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done

# The packages of the lock file, in the build folder; once for each lock file.
here=$fleet_root/tests/page
modules=${SKINK_BUILD_DIR:?}/page_test
if ! cmp -s "$here/package-lock.json" "$modules/installed.json"; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp "$here/package.json" "$here/package-lock.json" "$modules"
  (cd "$modules" && timeout 120 npm ci --no-audit --no-fund) >"$fleet_work/npm.log" 2>&1 ||
    skip "npm ci failed: $(grep -m 1 'npm error' "$fleet_work/npm.log" || tail -n 1 "$fleet_work/npm.log")"
  cp "$here/package-lock.json" "$modules/installed.json"
fi

devices=12
fleet_begin "$devices"
port=$(free_port)
fleet_configure_service "[\"127.0.0.1:$port\"]"
mkdir "$fleet_work/edge"
fleet_start_service 2>"$fleet_work/service.log"
wait_for_port "$port" 10 || fail "the service does not listen: $(cat "$fleet_work/service.log")"
fleet_start_edge edge "$fleet_root/experiments/sine.toml" "$devices" --set fleet.devices="$devices" --set fleet.held_out=4 \
  --set meta.cohort=4
for scope in admin read; do
  "$fleet_bin/skinkctl" tokens add "page-$scope" --scope "$scope" --socket "$fleet_work/state/api.sock" \
    --out "$fleet_work/$scope.token" >/dev/null
done

SKINK_PAGE=http://127.0.0.1:$port SKINK_PAGE_WORK=$fleet_work SKINK_PAGE_MODULES=$modules \
  SKINK_CHROMIUM=$(command -v chromium) \
  SKINK_EXPERIMENT=$fleet_root/experiments/sine.toml SKINK_REVOKED=$fleet_work/pki/revoked.txt \
  timeout 200 node "$here/page_test.mjs" || fail "see above; the log of the service: $(tail -n 5 "$fleet_work/service.log")"
