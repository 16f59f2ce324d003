# shellcheck shell=bash
# Network helpers for scripts. To be sourced.

# Prints a TCP port that was free on 127.0.0.1 a moment ago. Somebody else may take it before the caller does.
free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for_port PORT [SECONDS]: waits until something accepts connections on 127.0.0.1:PORT; fails after SECONDS (10).
wait_for_port() {
  local tries=$((${2:-10} * 20))
  while ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
    tries=$((tries - 1))
    if [[ $tries -le 0 ]]; then
      return 1
    fi
    sleep 0.05
  done
}

# Prints two UDP ports that were free on 127.0.0.1 a moment ago.
free_udp_ports() {
  /usr/bin/python3 -c 'import socket
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))'
}
