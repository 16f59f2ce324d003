#!/usr/bin/env bash
# Run by scripts/check-packages after in_clean_root.sh learn, in the same root with a systemd that runs: the units start, close
# the processes off, reload, restart what hangs, and the purge stops them.
set -eEuo pipefail
trap 'echo "FAILED in line $LINENO: $BASH_COMMAND"' ERR
fail() {
  echo "FAILED: $*"
  journalctl --no-pager -n 30 2>/dev/null || true
  exit 1
}
# wait_for SECONDS TEXT COMMAND...: until it prints this
wait_for() {
  local seconds=$1 text=$2 said="" end=$((SECONDS + $1))
  shift 2
  while [[ $SECONDS -lt $end ]]; do
    said=$("$@" 2>&1 || true)
    [[ $said != *"$text"* ]] || return 0
    sleep 0.5
  done
  fail "not '$text' in $seconds s, of $*: $said"
}

for unit in skink-coordinator skink-edge@plant; do
  [[ $(systemctl is-enabled $unit 2>&1) == disabled && $(systemctl is-active $unit) == inactive ]] || fail "$unit is enabled or active"
done
systemctl start skink-coordinator@absent || fail "a unit without configuration is no error"
[[ $(systemctl is-active skink-coordinator@absent) == inactive ]] || fail "a unit without configuration has started"
systemd-run --quiet --unit=broker bash /usr/share/doc/skink-tools/examples/broker /tmp/broker --port 18883 --pki /etc/skink/pki --fleet plant

systemctl enable --now --quiet skink-coordinator || fail "skink-coordinator does not start"
skinkctl status >/tmp/quiet.log || fail "it is started, and does not answer"
systemctl enable --now --quiet skink-edge@plant || fail "skink-edge@plant does not start"
wait_for 30 "4 of 4 devices are connected" systemctl show -P StatusText skink-edge@plant
wait_for 30 "idle; 4 devices online" systemctl show -P StatusText skink-coordinator
skinkctl runs queue /etc/skink-edge/sine.toml --set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=3 \
  --set meta.rounds=1000000 >/tmp/quiet.log
wait_for 30 "running: run " systemctl show -P StatusText skink-coordinator
systemctl reload skink-coordinator || fail "reload"
[[ $(systemctl is-active skink-coordinator) == active ]] || fail "after a reload: $(systemctl is-active skink-coordinator)"
for unit in skink-coordinator skink-edge@plant; do
  echo "$unit: $(systemd-analyze security $unit | sed -n 's/.*exposure level for //p')"
done

before=$(systemctl show -P MainPID skink-coordinator)
kill -STOP "$before"
hung=$SECONDS
while [[ $(systemctl show -P MainPID skink-coordinator) == "$before" || $(systemctl is-active skink-coordinator) != active ]]; do
  [[ $((SECONDS - hung)) -lt 60 ]] || fail "a process that hangs is not restarted in 60 s"
  sleep 0.5
done
echo "a process that hangs is restarted after $((SECONDS - hung)) s"
wait_for 30 "running: run " systemctl show -P StatusText skink-coordinator

# The journal has the service's lines with fields of their own.
journalctl --no-pager -o json -u skink-coordinator SKINK_EVENT=run.begun >/tmp/journal.log
grep -q '"SKINK_RUN":"[0-9]' /tmp/journal.log || fail "the journal has no run.begun: $(journalctl --no-pager -n 5 -o json -u skink-coordinator)"
echo "journalctl SKINK_EVENT=run.begun finds the run"

# What skinkctl init makes below /etc/skink: the service may write its list of revoked ids there, and nothing else.
skinkctl init /etc/skink/yard --fleet yard --host localhost --port 18899 --state /var/lib/skink/yard >/tmp/quiet.log
systemctl start skink-coordinator@yard || fail "skink-coordinator@yard does not start"
skinkctl devices revoke pump-1 --socket /var/lib/skink/yard/api.sock >/tmp/quiet.log 2>&1 || fail "nobody can be revoked: $(cat /tmp/quiet.log)"
grep -q "^pump-1" /etc/skink/yard/pki/revoked.txt || fail "revoked.txt: $(cat /etc/skink/yard/pki/revoked.txt)"
systemctl stop skink-coordinator@yard
rm -r /etc/skink/yard /var/lib/skink/yard
echo "a gateway of skinkctl init revokes a device"

mkdir /etc/skink/hall
sed -e 's|/var/lib/skink|/var/lib/skink/hall|; s|/run/skink|/run/skink/hall|; s|"plant"|"hall"|; s|"pki/|"/etc/skink/pki/|' \
  /etc/skink/coordinator.toml >/etc/skink/hall/coordinator.toml
systemctl start skink-coordinator@hall || fail "skink-coordinator@hall does not start"
systemctl restart skink-coordinator
skinkctl status --socket /run/skink/hall/api.sock >/tmp/quiet.log || fail "skink-coordinator@hall does not answer after a restart of the other"
echo "two fleets on one machine"

DEBIAN_FRONTEND=noninteractive apt-get -q -y install --reinstall /check/2/skink-coordinator_*.deb >/tmp/quiet.log 2>&1 || fail "$(cat /tmp/quiet.log)"
wait_for 30 active systemctl is-active skink-coordinator
DEBIAN_FRONTEND=noninteractive apt-get -q -y remove 'skink-*' >/tmp/quiet.log 2>&1 || fail "$(tail -5 /tmp/quiet.log)"
[[ -f /var/lib/skink/fleet.db && -f /etc/skink/coordinator.toml ]] || fail "the removal took state or configuration"
DEBIAN_FRONTEND=noninteractive apt-get -q -y purge 'skink-*' libskink-dev >/tmp/quiet.log 2>&1 || fail "$(tail -5 /tmp/quiet.log)"
for unit in skink-coordinator skink-coordinator@hall skink-edge@plant; do
  [[ $(systemctl is-active $unit) == inactive ]] || fail "$unit runs after the purge"
done
echo "removed: the services have stopped, configuration and state are kept"
