# shellcheck shell=bash
# shellcheck disable=SC2154 # fleet_root, fleet_bin and fleet_work: see below
# A fleet on this machine: certificates, broker, coordinator and devices. To be sourced by scripts that have sourced
# net.sh; `fleet_root` is the repository, `fleet_bin` the folder of the programs, `fleet_work` a folder for everything,
# `fleet_address` (default 127.0.0.1) what the broker listens on.

fleet_pids=()

# Stops what was started here, in reverse, and waits for it.
fleet_stop() {
  local i
  for ((i = ${#fleet_pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${fleet_pids[i]}" 2>/dev/null || true
    wait "${fleet_pids[i]}" 2>/dev/null || true
  done
  fleet_pids=()
}

# fleet_begin DEVICES: certificates and a broker on a free port, in fleet_port.
fleet_begin() {
  mkdir -p "$fleet_work"
  "$fleet_root/scripts/make-pki" "$fleet_work/pki" --count "$1" --fleet demo >"$fleet_work/pki.log"
  fleet_port=$(free_port)
  fleet_start_broker
}

fleet_start_broker() {
  "$fleet_root/scripts/broker" "$fleet_work/broker" --port "$fleet_port" --pki "$fleet_work/pki" --fleet demo \
    --address "${fleet_address:-127.0.0.1}" >>"$fleet_work/broker.log" 2>&1 &
  fleet_broker_pid=$!
  fleet_pids+=("$fleet_broker_pid")
  if ! wait_for_port "$fleet_port" 10; then
    echo "the broker did not start:" >&2
    cat "$fleet_work/broker.log" >&2
    return 1
  fi
}

# fleet_configure NAME EXPERIMENT: writes the coordinator's configuration for a new run.
fleet_configure() {
  local out=$fleet_work/$1
  mkdir -p "$out"
  rm -f "$out"/store.db*
  cat >"$out/coordinator.toml" <<END
[coordinator]
experiment = "$2"
store = "$out/store.db"
out = "$out/fleet"
[broker]
host = "127.0.0.1"
port = $fleet_port
ca = "$fleet_work/pki/ca.pem"
certificate = "$fleet_work/pki/coordinator/cert.pem"
key = "$fleet_work/pki/coordinator/key.pem"
[fleet]
name = "demo"
master_key = "$fleet_work/pki/master.key"
revoked = "$fleet_work/pki/revoked.txt"
END
}

# fleet_configure_service LISTEN [LINE...]: writes the configuration of the fleet service, with its state in
# $fleet_work/state; LISTEN is a TOML list of addresses, the lines are further ones of [http].
fleet_configure_service() {
  cat >"$fleet_work/service.toml" <<END
[coordinator]
state = "state"
[broker]
host = "127.0.0.1"
port = $fleet_port
ca = "$fleet_work/pki/ca.pem"
certificate = "$fleet_work/pki/coordinator/cert.pem"
key = "$fleet_work/pki/coordinator/key.pem"
[release]
pki = "$fleet_work/pki"
[certificates]
pki = "$fleet_work/pki"
[http]
listen = $1
$(printf '%s\n' "${@:2}")
[fleet]
name = "demo"
master_key = "$fleet_work/pki/master.key"
revoked = "$fleet_work/pki/revoked.txt"
END
}

# fleet_start_service: the fleet service, in fleet_service_pid; the log goes to standard error. Its configuration has a relative
# path, of which the state folder's is made.
fleet_start_service() {
  (cd "$fleet_work/.." && exec "$fleet_bin/skink-coordinator" --config "$(basename "$fleet_work")/service.toml") &
  fleet_service_pid=$!
  fleet_pids+=("$fleet_service_pid")
}

# fleet_start_edge NAME EXPERIMENT DEVICES ARGUMENT...: all devices in one process, in fleet_edge_pid.
fleet_start_edge() {
  local name=$1 experiment=$2 devices=$3
  shift 3
  "$fleet_bin/skink-edge" --experiment "$experiment" --broker "127.0.0.1:$fleet_port" --fleet demo \
    --identity "$fleet_work/pki" --count "$devices" --quiet "$@" >>"$fleet_work/$name/edge.log" 2>&1 &
  fleet_edge_pid=$!
  fleet_pids+=("$fleet_edge_pid")
}

# fleet_start_coordinator NAME ARGUMENT...: in fleet_coordinator_pid; the log goes to standard error.
fleet_start_coordinator() {
  local name=$1
  shift
  "$fleet_bin/skink-coordinator" run --config "$fleet_work/$name/coordinator.toml" "$@" &
  fleet_coordinator_pid=$!
  fleet_pids+=("$fleet_coordinator_pid")
}

# fleet_stop_one PID: stops one process that was started here.
fleet_stop_one() {
  local pid kept=()
  kill -TERM "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  for pid in "${fleet_pids[@]}"; do
    [[ $pid == "$1" ]] || kept+=("$pid")
  done
  fleet_pids=(${kept[@]+"${kept[@]}"})
}

# fleet_wait_for_coordinator NAME: its exit code; fails when the devices stop before it.
fleet_wait_for_coordinator() {
  local code=0
  while kill -0 "$fleet_coordinator_pid" 2>/dev/null; do
    if ! kill -0 "$fleet_edge_pid" 2>/dev/null; then
      echo "the devices stopped:" >&2
      cat "$fleet_work/$1/edge.log" >&2
      return 1
    fi
    sleep 0.1
  done
  wait "$fleet_coordinator_pid" || code=$?
  return "$code"
}

# summary_field FILE KEY: a value of a summary.json.
summary_field() {
  /usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

# fleet_provision ID: makes $fleet_work/images/ID.bin for an emulated device, unless it is there.
fleet_provision() {
  [[ ! -f $fleet_work/images/$1.bin ]] || return 0
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id "$1" \
    --broker "10.0.2.2:$fleet_port" --server-name localhost >/dev/null
}

# fleet_start_process NAME ID EXPERIMENT INDEX SETTING...: the embedded device as a process (skink-device), provisioned on the
# way, with the samples of the device at INDEX of the roster. As fleet_start_qemu; in fleet_process_pid.
fleet_start_process() {
  local name=$1 id=$2 experiment=$3 index=$4
  shift 4
  [[ -f $fleet_work/processes/$id.bin ]] || "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" \
    --out "$fleet_work/processes" --id "$id" --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
  "$fleet_bin/skink-sim" record "$experiment" --device-index "$index" --out "$fleet_work/$name/$id.samples" "$@"
  fleet_restart_process "$name" "$id"
}

# fleet_restart_process NAME ID: the same device after it was killed. Further options of it: fleet_process_options.
fleet_restart_process() {
  "$fleet_bin/skink-device" --identity "$fleet_work/processes/$2.bin" --recording "$fleet_work/$1/$2.samples" \
    --flash "$fleet_work/$1/$2.flash" ${fleet_process_options[@]+"${fleet_process_options[@]}"} >>"$fleet_work/$1/$2.log" 2>&1 &
  fleet_process_pid=$!
  fleet_pids+=("$fleet_process_pid")
}

# fleet_start_qemu NAME BOARD ID EXPERIMENT INDEX SETTING...: one emulated device, provisioned on the way, with the samples
# of the device at INDEX of the roster. Its flash and console stay in $fleet_work/NAME/ID.{flash,log}. In fleet_qemu_pid.
fleet_start_qemu() {
  local name=$1 board=$2 id=$3 experiment=$4 index=$5
  shift 5
  fleet_provision "$id"
  "$fleet_bin/skink-sim" record "$experiment" --device-index "$index" --out "$fleet_work/$name/$id.samples" "$@"
  fleet_restart_qemu "$name" "$board" "$id"
}

# fleet_start_sensor NAME BOARD ID: one emulated device with skink-accelerometer, which makes its samples itself; provisioned
# on the way, or started again after its power was cut. In fleet_qemu_pid.
fleet_start_sensor() {
  fleet_provision "$3"
  "$fleet_root/scripts/qemu-device" --board "$2" --identity "$fleet_work/images/$3.bin" --flash "$fleet_work/$1/$3.flash" \
    --image "$fleet_root/build/firmware-$2/skink-accelerometer.elf" >>"$fleet_work/$1/$3.log" 2>&1 &
  fleet_qemu_pid=$!
  fleet_pids+=("$fleet_qemu_pid")
}

# fleet_restart_qemu NAME BOARD ID: the same device after its power was cut. Its image is fleet_image, else skink-client.
fleet_restart_qemu() {
  "$fleet_root/scripts/qemu-device" --board "$2" --identity "$fleet_work/images/$3.bin" \
    --recording "$fleet_work/$1/$3.samples" --flash "$fleet_work/$1/$3.flash" \
    --image "$fleet_root/build/firmware-$2/${fleet_image:-skink-client}.elf" >>"$fleet_work/$1/$3.log" 2>&1 &
  fleet_qemu_pid=$!
  fleet_pids+=("$fleet_qemu_pid")
}
