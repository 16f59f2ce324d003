#!/usr/bin/env bash
# scripts/measure-links on a short run: the device that stays connected has its link on all the time, the two that sleep less than half of
# it, and the one whose session outlasts its sleep takes fewer bytes than the one that connects anew.
set -euo pipefail
root=${SKINK_SOURCE_DIR:?}
skip() {
  echo "SKIPPED: bytes by policy: $*"
  exit 0
}
PATH=$PATH:/usr/sbin:/sbin
for tool in mosquitto tcpdump ethtool ip; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
[[ $(id -u) -eq 0 ]] || skip "needs root"
[[ -x $SKINK_BIN_DIR/skink-device ]] || skip "skink-device was not built"
unshare --net bash -c 'ip link add a0 type veth peer name b0 && ethtool -K a0 tso off' >/dev/null 2>&1 ||
  skip "no network namespaces or pairs of interfaces here"
table=$("$root/scripts/measure-links" --bin "$SKINK_BIN_DIR" --rounds 2 --sleep 5)
echo "$table"
awk -F '|' '/stays connected \|/ { n++; always = $9 > 0.95 * $4 }
  /, sleeps 5 s/ { n++; if ($9 < 0.5 * $4) rests++; bytes[rests] = $5 + $6 }
  END { exit !(n == 3 && always && rests == 2 && bytes[2] < bytes[1]) }' <<<"$table" || { echo "FAILED: not what sleep is for" && exit 1; }
