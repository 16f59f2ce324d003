# shellcheck shell=bash disable=SC2034 # used by who sources this
# What the tests of fleets over a broker share: folders, scripts, and processes that go in the end. To be sourced first,
# with what the test is of as its argument: `. fleet_lib.sh "revocation over a broker"`. Without a broker the test ends.
fleet_root=${SKINK_SOURCE_DIR:?}
fleet_bin=${SKINK_BIN_DIR:?}
. "$fleet_root/scripts/lib/net.sh"
. "$fleet_root/scripts/lib/fleet.sh"

fleet_mosquitto=$(PATH="$PATH:/usr/sbin" command -v mosquitto) || true
if [[ -z $fleet_mosquitto ]] || ! command -v mosquitto_pub >/dev/null; then
  echo "SKIPPED: $1: mosquitto or its clients are not installed"
  exit 0
fi
# Options of skinkctl init for this broker: scripts/check-brokers puts others before the system's.
fleet_dialect=()
if [[ $("$fleet_mosquitto" -h || true) != "mosquitto version 2.0."* ]]; then
  fleet_dialect=(--mosquitto 2.1 ${SKINK_ACL_PLUGIN:+--acl-plugin "$SKINK_ACL_PLUGIN"})
fi
fleet_work=$(mktemp -d)
trap 'fleet_stop; rm -rf "$fleet_work"' EXIT
trap 'exit 130' INT TERM

fail() {
  echo "FAILED: $*"
  exit 1
}
