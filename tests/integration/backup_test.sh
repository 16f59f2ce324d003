#!/usr/bin/env bash
# skinkctl backup and restore: a backup while rounds are led, and of a service that is stopped; what is brought back goes on
# to the simulator's model; hostile and damaged files are refused, and nothing is left of them.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/fleet_lib.sh" "backup and restore"
ctl=$fleet_bin/skinkctl
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=4 --set fleet.held_out=1 --set meta.cohort=2 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=2)
unset SKINK_URL SKINK_TOKEN_FILE
chmod 755 "$fleet_work"
cd "$fleet_work"

# expect CODE TEXT COMMAND...: it ends with the code and says the text
expect() {
  local want=$1 text=$2 code=0
  shift 2
  "$@" >said 2>&1 || code=$?
  [[ $code == "$want" ]] || fail "exit code $code, not $want, of $*: $(cat said)"
  grep -qF -- "$text" said || fail "$* says: $(cat said)"
}
start_service() {
  "$fleet_bin/skink-coordinator" --config "$1/coordinator.toml" >>service.log 2>&1 &
  fleet_service_pid=$!
  fleet_pids+=("$fleet_service_pid")
  for ((i = 0; i < 200; i++)); do
    ! "$ctl" status --json 2>/dev/null | grep -q '"broker_connected":true' || return 0
    sleep 0.1
  done
  fail "the service has no broker: $(cat service.log)"
}
queue() {
  "$ctl" runs queue "$file" "${settings[@]}" "$@" --json |
    /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["number"])'
}
rounds_done() { "$ctl" runs show "$1" | awk '/^rounds_done/ {print $2}'; }

# ---- a gateway that has learned, and learns ----
fleet_port=$(free_port)
"$ctl" init gw --fleet plant --host localhost --port "$fleet_port" --bind 127.0.0.1 "${fleet_dialect[@]}" >said
"$ctl" provision --fleet plant --pki gw/pki --broker "localhost:$fleet_port" --prefix pump- --count 4 >said
export SKINK_SOCKET=$fleet_work/gw/state/api.sock
"$fleet_mosquitto" -c gw/broker/mosquitto.conf >broker.log 2>&1 &
fleet_pids+=("$!")
wait_for_port "$fleet_port" 10 || fail "no broker: $(cat broker.log)"
start_service gw
"$fleet_bin/skink-edge" --experiment "$file" "${settings[@]}" --broker "127.0.0.1:$fleet_port" --fleet plant \
  --identity gw/pki --prefix pump- --count 4 --quiet >edge.log 2>&1 &
fleet_pids+=("$!")
first=$(queue --set meta.rounds=20)
"$ctl" runs wait "$first" --timeout 60 >said 2>&1 || fail "$(cat said service.log edge.log)"
second=$(queue --set meta.rounds=100000 --set seed=2)
for ((i = 0; i < 200; i++)); do
  [[ $(rounds_done "$second") -lt 5 ]] || break
  sleep 0.05
done

before=$(rounds_done "$second")
expect 0 "1 models, 2 runs" "$ctl" backup live.skb --config gw/coordinator.toml
after=$(rounds_done "$second")
[[ $after -gt $before ]] || fail "no round while the backup was written: $before, $after"
[[ $(stat -c %a live.skb) == 600 ]] || fail "the backup is readable"
tar tf live.skb >list || fail "tar does not read it"
for name in coordinator.toml pki/ca.key pki/devices/pump-003/key.pem broker/mosquitto.conf broker/tls/key.pem state/fleet.db \
  "state/runs/$second/store.db" manifest.json; do
  grep -qx "$name" list || fail "$name is not in the backup: $(cat list)"
done
[[ $(tail -n 1 list) == manifest.json && -z $(ls -d live.skb.* 2>/dev/null) ]] || fail "something is left: $(ls)"
expect 0 "without private keys" "$ctl" backup open.skb --config gw/coordinator.toml --without-keys
tar tf open.skb >list
! grep -E '\.key$|key\.pem$|\.bin$|\.hex$' list || fail "keys are in it"
grep -qx pki/ca.pem list || fail "the authority's certificate is missing"
expect 8 "/nowhere" "$ctl" backup /nowhere/x/live.skb --config gw/coordinator.toml
expect 3 "absent.toml" "$ctl" backup x.skb --config absent.toml
# Nothing that somebody keeps is written over, and no backup has itself in it.
echo precious >precious.txt
sum=$(cat precious.txt gw/coordinator.toml | sha256sum)
expect 2 "is not a backup; it is left alone" "$ctl" backup gw/coordinator.toml --config gw/coordinator.toml
expect 2 "is not a backup; it is left alone" "$ctl" backup precious.txt --config gw/coordinator.toml
expect 2 "is a folder" "$ctl" backup . --config gw/coordinator.toml
expect 2 "lies in what is backed up" "$ctl" backup gw/pki/own.skb --config gw/coordinator.toml
expect 2 "is not a model; it is left alone" "$ctl" models export 1 precious.txt
expect 2 "is there already; it is left alone" "$ctl" tokens add someone --scope read --out precious.txt
[[ $(cat precious.txt gw/coordinator.toml | sha256sum) == "$sum" ]] || fail "a file was written over"
[[ -z $(find . -name 'own.skb*' -o -name '*.part') ]] || fail "a refusal leaves something: $(find . -name 'own.skb*' -o -name '*.part')"
! "$ctl" tokens | grep -q someone || fail "a token without a secret"
expect 0 "model 1" "$ctl" models export 1 one.skm
expect 0 "model 1" "$ctl" models export 1 one.skm
expect 0 "2 runs" "$ctl" backup open.skb --config gw/coordinator.toml
echo "what is no backup, no model, or may be a secret is not written over"
echo "backups: $((after - before)) rounds while one was written"

# ---- brought back ----
fleet_stop_one "$fleet_service_pid"
expect 0 "1 models, 2 runs" "$ctl" backup stopped.skb --config gw/coordinator.toml
seconds=$(cat gw/state/last-backup)
[[ $(($(date +%s) - seconds)) -lt 60 ]] || fail "the time of the backup: $seconds"
expect 2 "is not empty" "$ctl" restore live.skb gw
expect 0 "every hash as it was" "$ctl" restore live.skb back
mv gw old
mv back gw
[[ $(sqlite3 gw/state/fleet.db "SELECT value FROM meta WHERE key = 'restored'") == 20*Z ]] || fail "it is not marked as restored"
diff -r old/pki gw/pki -x '.*' >said || fail "keys differ: $(cat said)"
[[ -z $(find gw -name '*.key' -perm /077) && $(stat -c %a gw/pki gw/state) == $'700\n700' ]] || fail "secrets are readable"
start_service gw
"$ctl" models export 1 model.skm >said
[[ $("$ctl" models --json | grep -o '"sha256":"[0-9a-f]*"' | head -n 1) == "\"sha256\":\"$("$ctl" model show model.skm | awk '/^sha256/ {print $2}')\"" ]] ||
  fail "another model"
third=$(queue --set meta.rounds=20 --set seed=3)
[[ $third -gt $second ]] || fail "a run's number is used again"
fleet_stop
echo "restored: the same models, runs and keys"

# ---- what is refused ----
refused() {
  expect "$1" "$2" "$ctl" restore "$3" bad
  [[ ! -e bad && ! -e bad.unfinished ]] || fail "$3 has left something"
}
head -c $(($(stat -c %s live.skb) - 512)) live.skb >short.skb
refused 8 "" short.skb
head -c 100000 live.skb >torn.skb
refused 8 "ends too early" torn.skb
: >empty.skb
refused 8 "ends too early" empty.skb
refused 8 "is not a file" nothing.skb
/usr/bin/python3 - <<'END'
import hashlib, io, json, os, sqlite3, tarfile

tarfile.RECORDSIZE = tarfile.BLOCKSIZE  # no blocks after the end
good = tarfile.open("stopped.skb")
files = {m.name: good.extractfile(m).read() for m in good.getmembers()}
modes = {m.name: m.mode for m in good.getmembers()}

def write(name, change=None, extra=(), manifest=None):
    with tarfile.open(name, "w", format=tarfile.USTAR_FORMAT) as tar:
        def add(path, data, kind=tarfile.REGTYPE, link="", mode=0o644):
            info = tarfile.TarInfo(path)
            info.size, info.type, info.linkname, info.mode, info.mtime = len(data), kind, link, mode, 0
            tar.addfile(info, io.BytesIO(data))
        for path, data, *rest in extra:
            add(path, data, *rest)
        now = dict(files, **(change or {}))
        for path, data in now.items():
            if path != "manifest.json":
                add(path, data, mode=modes.get(path, 0o644))
        add("manifest.json", manifest(json.loads(now["manifest.json"])) if manifest else now["manifest.json"])

def with_true_hashes(change):
    """A manifest that agrees with changed files."""
    def make(manifest):
        for entry in manifest["files"]:
            if entry["name"] in change:
                data = change[entry["name"]]
                entry["bytes"], entry["sha256"] = len(data), hashlib.sha256(data).hexdigest()
        return json.dumps(manifest).encode()
    return make

def model_bent():
    open("bent.db", "wb").write(files["state/fleet.db"])
    db = sqlite3.connect("bent.db")
    file = bytearray(db.execute("SELECT file FROM models").fetchone()[0])
    file[-1] ^= 1
    db.execute("UPDATE models SET file = ?", (bytes(file),))
    db.commit()
    db.close()
    data = open("bent.db", "rb").read()
    os.remove("bent.db")
    return data

def newer():
    open("bent.db", "wb").write(files["state/fleet.db"])
    db = sqlite3.connect("bent.db")
    db.execute("UPDATE meta SET value = 'skink-fleet-99' WHERE key = 'format'")
    db.commit()
    db.close()
    data = open("bent.db", "rb").read()
    os.remove("bent.db")
    return data

toml = bytearray(files["coordinator.toml"])
toml[0] ^= 1
write("same.skb")
write("hash.skb", {"coordinator.toml": bytes(toml)})
write("up.skb", extra=[("../escaped", b"x")])
write("root.skb", extra=[("/tmp/escaped", b"x")])
write("dots.skb", extra=[("state/../../escaped", b"x")])
write("link.skb", extra=[("state", b"", tarfile.SYMTYPE, "/tmp")])
write("hard.skb", extra=[("state/x", b"", tarfile.LNKTYPE, "/etc/passwd")])
write("device.skb", extra=[("null", b"", tarfile.CHRTYPE)])
write("twice.skb", extra=[("coordinator.toml", files["coordinator.toml"])])
write("more.skb", extra=[("more", b"x")])
write("format.skb", manifest=lambda m: json.dumps(dict(m, format="skink-backup-9")).encode())
write("nonsense.skb", manifest=lambda m: b"[1, 2")
write("lengths.skb", manifest=lambda m: json.dumps(dict(m, files=[dict(e, bytes=-1) for e in m["files"]])).encode())
write("less.skb", manifest=lambda m: json.dumps(dict(m, files=m["files"][1:])).encode())
model = {"state/fleet.db": model_bent()}
write("model.skb", model, manifest=with_true_hashes(model))
other = {"state/fleet.db": newer()}
write("newer.skb", other, manifest=with_true_hashes(other))
noise = {"state/fleet.db": files["state/fleet.db"][:8192] + bytes(range(256)) * 64}
write("noise.skb", noise, manifest=with_true_hashes(noise))
# A header that promises more than there is.
data = bytearray(open("stopped.skb", "rb").read())
data[124:135] = b"77777777777"
data[148:156] = b" " * 8
data[148:156] = b"%07o " % sum(data[:512])
open("bomb.skb", "wb").write(data)
END
expect 0 "every hash as it was" "$ctl" restore same.skb same
refused 8 "is not what was backed up" hash.skb
for name in up root dots link hard device; do refused 8 "plain file with a harmless name" "$name.skb"; done
refused 8 "" twice.skb
refused 8 "" more.skb
refused 8 "skink-backup-9" format.skb
refused 8 "not JSON" nonsense.skb
refused 8 "" lengths.skb
refused 8 "" less.skb
refused 8 "model 1 is damaged" model.skb
refused 8 "skink-fleet-99" newer.skb
refused 8 "" noise.skb
refused 8 "" bomb.skb
[[ ! -e escaped && ! -e ../escaped && ! -e /tmp/escaped ]] || fail "a file has escaped"
echo "hostile and damaged backups are refused, and nothing is left"

# Whoever restores it, and under whatever umask: the broker's user finds its part as init left it.
mode_and_owner() { (cd "$1" && stat -c '%a %U %n' . broker broker/tls broker/acl broker/tls/key.pem broker/tls/cert.pem); }
(umask 077 && "$ctl" init made --fleet plant --host localhost >said && "$ctl" backup made.skb --config made/coordinator.toml >said &&
  "$ctl" restore made.skb again >said)
[[ $(mode_and_owner again) == "$(mode_and_owner made)" ]] || fail "$(mode_and_owner made) is restored as $(mode_and_owner again)"
[[ $(stat -c %a again/broker) == 755 && $(stat -c %a again/broker/tls/key.pem) == 600 ]] || fail "$(mode_and_owner again)"
echo "restored under another umask: modes and owners are those of init"
