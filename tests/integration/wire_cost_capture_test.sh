#!/usr/bin/env bash
# What simulations/wire predicts for a device-round lies within 5 % of a capture, up and down: sine with a long and a short
# update, with a model that is fetched, patched or kept. MQTT and TLS are predicted to the byte; what TCP acknowledges apart depends on
# moments, so this needs binaries that are not slowed down.
set -euo pipefail
root=${SKINK_SOURCE_DIR:?}
skip() {
  echo "SKIPPED: bytes on the wire: $*"
  exit 0
}
PATH=$PATH:/usr/sbin:/sbin
[[ -z ${SKINK_SANITIZE:-} ]] || skip "sanitizers slow the programs down"
for tool in mosquitto mosquitto_sub tcpdump ethtool ip tc; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[[ $(id -u) -eq 0 ]] || skip "needs root"
unshare --net bash -c 'ip link add a0 type veth peer name b0 && ethtool -K a0 tso off' >/dev/null 2>&1 ||
  skip "no network namespaces or pairs of interfaces here"

# measure ARGUMENT...: once more if it fails, since the machine may have been busy.
measure() {
  local arguments=(--bin "$SKINK_BIN_DIR" --check 5 --experiment "$root/experiments/sine.toml" --set meta.passes=1024
    --set task.support_size=100
    --uplinks "float32,eden:1" "$@")
  "$root/scripts/measure-wire" "${arguments[@]}" && return
  echo "once more:"
  "$root/scripts/measure-wire" "${arguments[@]}"
}
measure --rounds 6
measure --rounds 6 --set codec.downlink=topk:0.05+ternary+ef
measure --rounds 6 --kept
