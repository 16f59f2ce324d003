#!/usr/bin/env bash
# The HTTP interface of a service that leads a fleet: every answer is what docs/openapi.json says.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "the interface against its description"
if ! "$SKINK_PYTHON" -c 'import jsonschema' 2>/dev/null; then
  echo "SKIPPED: the interface against its description: python3-jsonschema is not installed"
  exit 0
fi

fleet_begin 6
port=$(free_port)
fleet_configure_service "[\"127.0.0.1:$port\"]"
mkdir "$fleet_work/edge"
fleet_start_edge edge "$fleet_root/experiments/sine.toml" 6 --set fleet.devices=6 --set fleet.held_out=2 \
  --set meta.cohort=3
fleet_start_service 2>"$fleet_work/service.log"
wait_for_port "$port" || fail "the interface did not open: $(cat "$fleet_work/service.log")"

# check ARGUMENT...
check() {
  "$SKINK_PYTHON" "$(dirname "${BASH_SOURCE[0]}")/check_api_answers.py" --state "$fleet_work/state" --pki "$fleet_work/pki" "$@" ||
    fail "see above; the log of the service: $(tail -n 20 "$fleet_work/service.log")"
}
check --port "$port"

# The examples of docs/api.md, of this fleet. The run that they queue is the sixth.
examples() {
  api_examples=$fleet_work/examples
  mkdir -p "$api_examples/run"
  ln -s "$fleet_work/state" "$api_examples/run/state"
  ln -s "$fleet_root/experiments" "$api_examples/experiments"
  cat >"$api_examples/all.sh" <<'END'
set -euo pipefail
curl() {
  local code=0
  timeout 5 curl --fail-with-body "$@" || code=$?
  [[ $code -eq 0 || ($code -eq 124 && " $* " == *" -N "*) ]] || { echo "curl $*: $code"; exit 1; } # a stream has no end
  echo
}
END
  sed -n 's/^    //p' "$fleet_root/docs/api.md" | sed "s/:8080/:$port/; s/runs\/1:/runs\/6:/" >>"$api_examples/all.sh"
  local token
  token=$(curl -sS --unix-socket "$fleet_work/state/api.sock" http://localhost/api/v1/tokens \
    -H 'Content-Type: application/json' -d '{"name": "examples", "scope": "read"}' | grep -o 'skink_[0-9a-f]*')
  (cd "$api_examples" && TOKEN=$token bash all.sh) >"$api_examples/log" 2>&1 ||
    fail "an example of docs/api.md: $(tail -n 5 "$api_examples/log")"
  [[ -s $api_examples/model.skm ]] || fail "the example did not fetch the model"
  grep -q '^event: gap' "$api_examples/log" || fail "the example's stream says nothing"
}
if command -v curl >/dev/null; then
  examples
else
  echo "SKIPPED: examples of docs/api.md: curl is not installed"
fi

fleet_stop_one "$fleet_broker_pid"
check --without-broker --port "$port"
