#!/usr/bin/env bash
# Run by scripts/check-packages in a clean Debian 12, as root: /check/1 and /check/2 have the packages and their upgrade.
#
#   in_clean_root.sh gateway | learn | remove | left     in this order; `left` is only a look at what is there after the purge
set -eEuo pipefail
trap 'echo "FAILED in line $LINENO: $BASH_COMMAND"' ERR
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends)
port=18883
coordinator=
edge=
cd /

fail() {
  echo "FAILED: $*"
  tail -n 20 /tmp/*.log 2>/dev/null || true
  exit 1
}
quietly() { "$@" >/tmp/quiet.log 2>&1 || fail "$*"; }
# as USER COMMAND...: without any privilege, as the units have it.
as() {
  local user=$1
  shift
  setpriv --reuid "$user" --regid "$user" --init-groups --no-new-privs --bounding-set -all --inh-caps -all -- "$@"
}
# command_of UNIT: what it starts.
command_of() { sed -n 's/^ExecStart=//p' "/lib/systemd/system/$1"; }
# wait_for TEXT COMMAND...: until it prints this, for 60 s
wait_for() {
  local text=$1 i said=
  shift
  for ((i = 0; i < 300; i++)); do
    said=$("$@" 2>&1 || true)
    [[ $said != *"$text"* ]] || return 0
    sleep 0.2
  done
  fail "not '$text', of $*: $said"
}
ctl() { as keeper skinkctl "$@"; }

# start_coordinator UNIT [FLEET]: what the unit starts
start_coordinator() {
  local command
  command=$(command_of "$1.service")
  command=${command//%i/${2:-}}
  install -d -o skink -g skink -m 0750 /run/skink # RuntimeDirectory
  # shellcheck disable=SC2016,SC2086 # the command's words
  (umask 0077 && . /etc/skink/coordinator.env && exec setpriv --reuid skink --regid skink --init-groups --no-new-privs \
    --bounding-set -all ${command//'$SKINK_COORDINATOR_OPTIONS'/$SKINK_COORDINATOR_OPTIONS}) >>/tmp/coordinator.log 2>&1 &
  coordinator=$!
}
start_edge() {
  local command
  command=$(command_of skink-edge@.service)
  command=${command//%i/plant}
  # shellcheck disable=SC1091,SC2016,SC2086
  (umask 0077 && . /etc/skink-edge/default.env && SKINK_EDGE_OPTIONS=$(sed -n 's/^SKINK_EDGE_OPTIONS=//p' /etc/skink-edge/plant.env) &&
    command=${command//'$SKINK_EDGE_DEFAULTS'/$SKINK_EDGE_DEFAULTS} &&
    exec setpriv --reuid skink-edge --regid skink-edge --init-groups --no-new-privs --bounding-set -all \
      ${command//'$SKINK_EDGE_OPTIONS'/$SKINK_EDGE_OPTIONS}) >>/tmp/edge.log 2>&1 &
  edge=$!
}
stop() {
  kill -TERM "$1"
  wait "$1" || fail "ended with $?"
}

commands=0
# typed COMMAND...: what an operator types, counted
typed() {
  commands=$((commands + 1))
  echo "  $commands. $*"
  quietly "$@"
}
# kept: how many devices say that they keep which release, and the first 8 bytes of its model's hash
kept() {
  python3 - <<'END'
import collections, sqlite3
rows = sqlite3.connect("file:/var/lib/skink/plant/fleet.db?mode=ro", uri=True).execute("SELECT release, release_model FROM devices")
for (number, model), count in collections.Counter(rows).items():
    print(count, "devices keep release", number, "of", (model & 2**64 - 1).to_bytes(8, "little").hex())
END
}

# From an empty machine to fifty devices that use what two runs have learned, as docs/operating.md says it.
do_gateway() {
  quietly "${apt[@]}" update
  quietly "${apt[@]}" install python3 # of the test alone
  typed "${apt[@]}" install /check/1/skink-coordinator_*.deb /check/1/skink-tools_*.deb mosquitto
  typed skinkctl init /etc/skink/plant --fleet plant --host localhost --devices 50 --port $port --state /var/lib/skink/plant
  typed ln -s /etc/skink/plant/broker/mosquitto.conf /etc/mosquitto/conf.d/plant.conf
  # There is no systemd in this root: the commands of `systemctl restart mosquitto` and `enable --now skink-coordinator@plant`.
  install -d -o mosquitto -g mosquitto /run/mosquitto
  typed mosquitto -d -c /etc/mosquitto/mosquitto.conf
  typed start_coordinator skink-coordinator@ plant
  [[ $commands == 5 ]] || fail "$commands commands for a gateway, not five"
  export SKINK_SOCKET=/var/lib/skink/plant/api.sock
  wait_for idle skinkctl status
  echo "a gateway in $commands commands"

  local experiment=/usr/share/doc/skink-edge/examples/sine.toml model
  local settings=(--set fleet.devices=50 --set fleet.held_out=10 --set meta.cohort=10 --set meta.rounds=30)
  quietly "${apt[@]}" install /check/1/skink-edge_*.deb /check/1/skink-sim_*.deb # of the devices, and of the test
  typed skinkctl provision --fleet plant --pki /etc/skink/plant/pki --broker localhost:$port --count 50
  skink-edge --experiment "$experiment" "${settings[@]}" --broker localhost:$port --fleet plant --identity /etc/skink/plant/pki --count 50 \
    --quiet >/tmp/edge.log 2>&1 &
  edge=$!
  typed skinkctl runs queue "$experiment" "${settings[@]}" --release --wait 60
  typed skinkctl runs wait 1 --timeout 120
  typed skinkctl runs queue "$experiment" "${settings[@]}" --set seed=2 --init-model 1 --release --wait 60
  typed skinkctl runs wait 2 --timeout 120

  settings+=(--set meta.clip_factor=3) # which the service adds
  quietly skink-sim run "$experiment" "${settings[@]}" --out /tmp/first --quiet
  model=$(skink-sim run "$experiment" "${settings[@]}" --set seed=2 --init /tmp/first/model.skm --out /tmp/second --quiet | awk '/sha256/ {print $NF}')
  wait_for "50 devices keep release 2 of ${model:0:16}" kept
  echo "50 devices learned twice, and all keep the second model, the simulator's: ${model:0:16}"
  stop "$edge"
  stop "$coordinator"
  rm -r /etc/skink/plant /etc/mosquitto/conf.d/plant.conf
}

do_learn() {
  quietly "${apt[@]}" update
  quietly "${apt[@]}" install mosquitto openssl python3
  quietly "${apt[@]}" install /check/1/*.deb
  echo "installed: $(dpkg-query -W -f '${Package} ${Version}, ' 'skink-*' 'libskink-dev')"

  for program in skink-coordinator skink-edge skink-sim skinkctl; do
    [[ $($program --version) == "$program "[0-9]* ]] || fail "$program --version"
    [[ -s /usr/share/man/man1/$program.1.gz && -s /usr/share/bash-completion/completions/$program ]] || fail "$program: no documents"
  done
  [[ $(stat -c '%U:%G %a' /etc/skink) == "root:skink 751" ]] || fail "/etc/skink: $(stat -c '%U:%G %a' /etc/skink)"
  [[ $(stat -c '%U:%G %a' /var/lib/skink) == "skink:skink 750" ]] || fail "/var/lib/skink"
  [[ $(getent passwd skink) == *:/usr/sbin/nologin ]] || fail "the user: $(getent passwd skink)"
  if find /etc/systemd/system -name '*skink*' | grep .; then fail "a service is enabled"; fi

  # Keys of an authority of its own; what the service and the devices may read.
  examples=/usr/share/doc/skink-tools/examples
  quietly bash $examples/make-pki /etc/skink/pki --count 4 --fleet plant
  chgrp -R skink /etc/skink/pki
  chmod -R g+rX /etc/skink/pki
  install -d -m 0750 -o root -g skink-edge /etc/skink-edge/pki
  cp -r /etc/skink/pki/ca.pem /etc/skink/pki/devices /etc/skink-edge/pki/
  sed "s/^port = .*/port = $port/" /usr/share/doc/skink-coordinator/examples/coordinator.toml >/etc/skink/coordinator.toml
  sed "s/127.0.0.1:8883/127.0.0.1:$port/; s/--quiet/--set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=3 --quiet/" \
    /usr/share/doc/skink-edge/examples/edge.env >/etc/skink-edge/plant.env
  cp /usr/share/doc/skink-edge/examples/sine.toml /etc/skink-edge/
  bash $examples/broker /tmp/broker --port $port --pki /etc/skink/pki --fleet plant >/tmp/broker.log 2>&1 &
  useradd --groups skink keeper
  useradd stranger
  install -d -o skink-edge -g skink-edge -m 0750 /var/lib/skink-edge/plant # StateDirectory

  as skink skink-coordinator --config /etc/skink/coordinator.toml --check-config >/tmp/check.log 2>&1 || fail "--check-config"
  start_coordinator skink-coordinator
  wait_for "idle" ctl status
  [[ $(stat -c '%U:%G %a' /run/skink/api.sock) == "skink:skink 660" ]] || fail "the socket: $(stat -c '%U:%G %a' /run/skink/api.sock)"
  if as stranger skinkctl status >/tmp/quiet.log 2>&1; then fail "a stranger may ask the service"; fi
  cp /var/lib/skink/release/release.pub /etc/skink-edge/pki/
  chown -R root:skink-edge /etc/skink-edge/pki
  chmod -R g+rX /etc/skink-edge/pki
  start_edge
  settings=(--set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=3 --set meta.rounds=30)
  ctl runs queue /usr/share/doc/skink-edge/examples/sine.toml "${settings[@]}" --wait 60 >/tmp/quiet.log || fail "runs queue"
  ctl runs wait 1 --timeout 120 >/tmp/quiet.log 2>&1 || fail "run 1"
  ctl releases add 1 >/tmp/quiet.log || fail "releases add"
  wait_for "[1, 1, 1, 1]" as keeper bash -c 'skinkctl devices --json | python3 -c "import json, sys; print([d[\"release\"] for d in json.load(sys.stdin)[\"items\"]])"'
  model=$(ctl models show 1 | awk '/^sha256/ {print $2}')
  [[ $(skink-sim run /usr/share/doc/skink-sim/examples/sine.toml "${settings[@]}" --out /tmp/sim --quiet | awk '/sha256/ {print $NF}') == "$model" ]] ||
    fail "the fleet's model is $model, the simulator's another"
  echo "a fleet of 4 learned 30 rounds, its model is the simulator's and released: ${model:0:16}"

  # Over the live store, with changed configuration.
  echo "# changed by the operator" >>/etc/skink/coordinator.env
  quietly "${apt[@]}" install /check/2/*.deb
  grep -q "changed by the operator" /etc/skink/coordinator.env || fail "the upgrade has overwritten /etc/skink/coordinator.env"
  wait_for "idle" ctl status
  stop "$coordinator"
  start_coordinator skink-coordinator
  wait_for "idle" ctl status
  wait_for "$model" ctl models show 1
  ctl runs queue /usr/share/doc/skink-edge/examples/sine.toml "${settings[@]}" --set seed=2 --init-model 1 --wait 60 >/tmp/quiet.log || fail "runs queue"
  ctl runs wait 2 --timeout 120 >/tmp/quiet.log 2>&1 || fail "run 2, after the upgrade"
  echo "upgraded to $(dpkg-query -W -f '${Version}' skink-coordinator) over the live store; run 2 began with model 1"
  stop "$edge"
  stop "$coordinator"
  rmdir /run/skink # as systemd does
}

do_remove() {
  local packages
  packages=(skink-coordinator skink-edge skink-sim skink-tools libskink-dev)
  quietly "${apt[@]}" remove "${packages[@]}"
  [[ -f /var/lib/skink/fleet.db && -f /etc/skink/coordinator.toml ]] || fail "the removal took state or configuration"
  quietly dpkg --purge "${packages[@]}"
  echo "removed with configuration and state kept, then purged"
}

do_left() {
  local left
  left=$(find / -xdev -path /check -prune -o -path /tmp -prune -o -path /proc -prune -o -iname '*skink*' -print)
  [[ -z $left ]] || fail "left after the purge: $left"
  if getent passwd skink skink-edge || getent group skink skink-edge | grep -v ':keeper$'; then fail "users are left"; fi
  [[ ! -e /etc/skink && ! -e /var/lib/skink ]] || fail "folders are left"
  echo "purged: nothing is left"
}

"do_$1"
