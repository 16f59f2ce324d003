#!/usr/bin/env bash
# Starts skink-coordinator for scripts/conformance; started again, it goes on from its store. Arguments are passed on;
# MASTER_KEY: a file with another master key than the fleet's.
set -euo pipefail
cat >"$CONFORMANCE_WORK/coordinator.toml" <<END
[coordinator]
experiment = "$CONFORMANCE_EXPERIMENT"
store = "$CONFORMANCE_WORK/store.db"
[broker]
host = "$CONFORMANCE_HOST"
port = $CONFORMANCE_PORT
ca = "$CONFORMANCE_PKI/ca.pem"
certificate = "$CONFORMANCE_PKI/coordinator/cert.pem"
key = "$CONFORMANCE_PKI/coordinator/key.pem"
[fleet]
name = "$CONFORMANCE_FLEET"
master_key = "${MASTER_KEY:-$CONFORMANCE_PKI/master.key}"
END
exec "$SKINK_BIN_DIR/skink-coordinator" run --config "$CONFORMANCE_WORK/coordinator.toml" "$@"
