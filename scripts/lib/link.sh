# shellcheck shell=bash
# shellcheck disable=SC2154 # fleet_pids and rate: see below
# Links of their own for devices, each with its network namespace, so that a capture has one device's packets. To be sourced
# by scripts that run as root in a network namespace of theirs and have sourced fleet.sh; `rate` is that of a link in each direction, as tc
# has it, or none.

here=() # runs a command where the device of the last make_pair is

# shape INTERFACE: packets leave it as they would reach a wire, with checksums, and at the link's rate.
shape() {
  "${here[@]}" ethtool -K "$1" tso off gso off gro off tx off >/dev/null
  [[ $rate == none ]] || "${here[@]}" tc qdisc add dev "$1" root tbf rate "$rate" burst 1600 limit 4000000
}

# make_pair NUMBER: interface broker<NUMBER> here, and its peer in a namespace of its own. That has no 127.0.0.1; the broker's
# certificate is for that address, and the way there leads through the link.
make_pair() {
  here=()
  unshare --net sleep infinity &
  local holder=$!
  fleet_pids+=("$holder")
  while [[ $(readlink "/proc/$holder/ns/net") == "$(readlink /proc/self/ns/net)" ]]; do sleep 0.05; done
  ip link add "broker$1" type veth peer name "device$1"
  ip link set "device$1" netns "$holder"
  ip address add "10.77.$1.1/24" dev "broker$1"
  ip link set "broker$1" up
  sysctl -qw "net.ipv4.conf.broker$1.route_localnet=1" "net.ipv4.conf.broker$1.rp_filter=0" net.ipv4.conf.all.rp_filter=0
  shape "broker$1"
  here=(nsenter "--net=/proc/$holder/ns/net")
  "${here[@]}" ip address add "10.77.$1.2/24" dev "device$1"
  "${here[@]}" ip link set "device$1" up
  "${here[@]}" sysctl -qw "net.ipv4.conf.device$1.route_localnet=1"
  "${here[@]}" ip route add 127.0.0.1/32 dev "device$1" src "10.77.$1.2"
  shape "device$1"
}

# start_tcpdump FILE INTERFACE FILTER: whole packets, in capture_pid; 1 when it does not start.
start_tcpdump() {
  tcpdump -i "$2" -s 0 -B 16384 --immediate-mode -U -Z root -w "$1" "$3" 2>"$1.log" &
  capture_pid=$!
  fleet_pids+=("$capture_pid")
  until grep -q "listening on" "$1.log" 2>/dev/null; do
    kill -0 "$capture_pid" 2>/dev/null || return 1
    sleep 0.05
  done
}
