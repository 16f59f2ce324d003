#!/usr/bin/env bash
# Metrics of a service that leads a run: promtool finds nothing wrong with them, a Prometheus scrapes them and evaluates every
# alarm, the alarms pass their unit tests, and every expression of the dashboard has an answer.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "metrics"
if ! command -v promtool >/dev/null; then
  echo "SKIPPED: metrics: prometheus is not installed"
  exit 0
fi
out=$fleet_work
(cd "$fleet_root/monitoring" && promtool check rules skink-alerts.yml && promtool test rules skink-alerts-test.yml) >"$out/rules" 2>&1 ||
  fail "the alarms: $(cat "$out/rules")"

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=8 --set fleet.held_out=2 --set meta.cohort=4 --set meta.rounds=100)
fleet_begin 8
port=$(free_port)
mkdir "$out/edge"
fleet_configure_service "[\"127.0.0.1:$port\"]"
fleet_start_edge edge "$file" 8 "${settings[@]}"
fleet_start_service 2>"$out/log"
wait_for_port "$port" 10 || fail "the service does not listen: $(cat "$out/log")"

# ask PATH ARGUMENT...: over the unix socket
ask() {
  local path=$1
  shift
  curl -sS --fail-with-body --unix-socket "$out/state/api.sock" "$@" "http://localhost$path"
}
# queue ROUNDS: a run
queue() {
  /usr/bin/python3 - "$file" "$1" >"$out/order" <<'END'
import json, sys
print(json.dumps({"experiment": open(sys.argv[1]).read(),
                  "set": {"fleet.devices": 8, "fleet.held_out": 2, "meta.cohort": 4, "meta.rounds": int(sys.argv[2])}}))
END
  ask /api/v1/runs -H 'Content-Type: application/json' --data "@$out/order" >"$out/run"
}
queue 100
ask /api/v1/tokens -H 'Content-Type: application/json' --data '{"name": "prometheus", "scope": "read"}' |
  /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["secret"], end="")' >"$out/token"
for ((tries = 300; tries > 0; tries--)); do
  ! ask /api/v1/runs/1 | grep -q '"phase":"finished"' || break
  sleep 0.1
done
! ask /metrics | grep -q '^skink_store_last_backup' || fail "a backup that there is none of"
"$fleet_bin/skinkctl" backup "$out/backup.skb" --config "$out/service.toml" >"$out/said" 2>&1 || fail "no backup: $(cat "$out/said")"
ask /metrics >"$out/metrics"
for name in "skink_store_last_backup_timestamp_seconds $(cat "$out/state/last-backup")" "skink_state_free_bytes " \
  'skink_certificate_expiry_timestamp_seconds{certificate="authority"} ' \
  'skink_certificate_expiry_timestamp_seconds{certificate="broker-client"} '; do
  grep -qF "$name" "$out/metrics" || fail "'$name' is not in the metrics"
done
promtool check metrics <"$out/metrics" >"$out/check" 2>&1 || fail "metrics: $(cat "$out/check")"
grep -q '^skink_round_duration_seconds_count 100$' "$out/metrics" || fail "100 rounds are not counted: $(cat "$out/metrics")"
grep -q '^skink_updates_total{outcome="taken"} 400$' "$out/metrics" || fail "400 updates are not counted"
! curl -sS --fail "http://127.0.0.1:$port/metrics" >/dev/null 2>&1 || fail "metrics without a token"
while read -r name; do
  grep -q "$name" "$fleet_root/docs/metrics.md" || fail "$name is not in docs/metrics.md"
done < <(awk '/^# TYPE/ {print $3}' "$out/metrics")

prometheus=$(free_port)
cat >"$out/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["$fleet_root/monitoring/skink-alerts.yml"]
scrape_configs:
  - job_name: skink
    authorization: { credentials_file: "$out/token" }
    static_configs: [{ targets: ["127.0.0.1:$port"] }]
END
prometheus --config.file "$out/prometheus.yml" --storage.tsdb.path "$out/tsdb" --web.listen-address "127.0.0.1:$prometheus" \
  >"$out/prometheus.log" 2>&1 &
fleet_pids+=("$!")
/usr/bin/python3 - "$prometheus" <<'END' || fail "Prometheus: $(tail -5 "$out/prometheus.log")"
import json, sys, time, urllib.parse, urllib.request

def ask(path, **query):
    url = f"http://127.0.0.1:{sys.argv[1]}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    return json.load(urllib.request.urlopen(url, timeout=5))["data"]

end = time.monotonic() + 40
while time.monotonic() < end:
    try:
        rules = ask("rules")["groups"][0]["rules"]
        found = ask("query", query="skink_updates_total{outcome='taken'}")["result"]
        if found and all(rule["health"] == "ok" for rule in rules):
            break
    except OSError:
        pass
    time.sleep(0.3)
else:
    sys.exit("nothing was scraped, or an alarm cannot be evaluated")
assert float(found[0]["value"][1]) == 400, found
assert ask("query", query="up{job='skink'}")["result"][0]["value"][1] == "1"
for rule in rules:
    print(f"{rule['name']}: {rule['state']}")
    assert rule["state"] == "inactive", rule
END

# Of an open run there is more to be asked.
queue 1000000
/usr/bin/python3 "$fleet_root/tests/integration/check_dashboard.py" "$fleet_root" "$prometheus" || fail "the dashboard"
