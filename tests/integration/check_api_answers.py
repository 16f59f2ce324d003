#!/usr/bin/env python3
"""Asks a service for everything that its interface has, and holds the answers to docs/openapi.json (api_schema_test.sh).

Six devices are there: they take part in runs of experiments/sine.toml.
"""

import argparse
import os
import stat
import sys
import time
from itertools import islice
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "tests/support"))
from api_client import DOCUMENT, TIMEOUT_S, Client  # noqa: E402
from api_model_checks import (EXPERIMENT, check_gates, check_models_of_rounds, check_releases, check_schedules,  # noqa: E402
                              check_trials, order, wait_for)


def check_service(local):
    local.call("GET", "/health/live", 200)
    deadline = time.monotonic() + TIMEOUT_S
    while local.call("GET", "/api/v1/status", 200).json["devices_online"] < 6:
        assert time.monotonic() < deadline, "the devices do not come"
        time.sleep(0.1)
    assert local.call("GET", "/health/ready", 200).json == {"status": "ready", "reasons": []}
    local.call("GET", "/version", 200)
    assert b"skink_broker_connected 1" in local.call("GET", "/metrics", 200).body  # metrics_test.sh reads the rest
    description = local.call("GET", "/openapi.json", 200)
    assert description.json == DOCUMENT
    session = local.call("GET", "/api/v1/session", 200).json
    assert (session["name"], session["scope"], session["fleet"]) == ("local", "admin", "demo"), session
    local.call("GET", "/openapi.json", 304, headers={"If-None-Match": description.headers["ETag"]})


def check_run_and_streams(local, network):
    """Run 1 from its queueing to its model, told as it happens; a stream resumes where it was."""
    stream = local.events()
    with_key = {"Idempotency-Key": "one"}
    queued = local.call("POST", "/api/v1/runs", 201, order(6), with_key)
    assert queued.headers["Location"] == "/api/v1/runs/1" and queued.json["number"] == 1
    again = local.call("POST", "/api/v1/runs", 201, order(6), with_key)
    assert again.json["number"] == 1 and len(local.call("GET", "/api/v1/runs", 200).json["items"]) == 1
    told = []
    for event in stream:
        told.append(event)
        if event[1] == "model.added":
            break
    stream.close()
    types = [event[1] for event in told]
    assert types.count("round") == 6, types
    assert {"run.queued", "run.begun"} <= set(types), types
    ids = [event[0] for event in told]
    assert ids == list(range(ids[0], ids[0] + len(ids))), ids
    resumed = local.events(headers={"Last-Event-ID": str(ids[2])})
    assert list(islice(resumed, len(told) - 3)) == told[3:]
    some = local.events(f"/api/v1/events?after={ids[0]}&type=round")
    assert [event[1] for event in islice(some, 6)] == ["round"] * 6
    assert next(local.events("/api/v1/events?after=1"))[1] == "gap"
    frames = list(islice(network.frames(f"/api/v1/ws?after={ids[0]}"), len(told) - 1))
    assert [(frame["id"], frame["type"], frame["data"]) for frame in frames] == told[1:]
    assert next(network.frames("/api/v1/ws?after=1"))["type"] == "gap"
    assert wait_for(local, 1, ["finished"])["rounds_done"] == 6


def check_evaluations(local):
    """Run 1 was evaluated once, by its two held-out devices; who trained in its rounds is at hand."""
    details = local.call("GET", "/api/v1/runs/1/details", 200).json
    assert details["experiment"] == EXPERIMENT and details["roster"] == 6 and not details["classifies"], details
    assert details["model_bytes"] == local.call("GET", "/api/v1/models/1", 200).json["bytes"], details
    evaluation, = local.call("GET", "/api/v1/runs/1/evaluations", 200).json["items"]
    reports = local.call("GET", "/api/v1/runs/1/evaluations/6/devices", 200).json["items"]
    assert (evaluation["rounds"], evaluation["devices"], len(reports)) == (6, 2, 2), evaluation
    assert evaluation["duration_ms"] == sum(r["duration_ms"] for r in local.call("GET", "/api/v1/runs/1/rounds", 200).json["items"])
    spread = evaluation["over_devices"]["loss_after"]
    low, high = sorted(report["loss_after"] for report in reports)
    assert abs(spread["p50"] - (low + high) / 2) < 1e-9 and low < spread["p10"] < spread["p90"] < high, (spread, reports)
    for report in reports:
        assert abs(report["gain"] - (report["loss_before"] - report["loss_after"])) < 1e-9, report
        path = f"/api/v1/runs/1/devices/{report['device']}/evaluations"
        assert local.call("GET", path, 200).json["items"] == [report]
        assert local.call("GET", f"{path}?after=7", 200).json["items"] == []
    assert local.call("GET", "/api/v1/runs/1/evaluations?after=7", 200).json["items"] == []
    assert local.call("GET", "/api/v1/runs/1/devices/nobody/evaluations", 200).json["items"] == []
    first = local.call("GET", "/api/v1/runs/1/rounds/0/participants", 200).json
    assert len(first["participants"]) == 3 and not first["is_open"] and first["is_complete"], first
    for one in first["participants"]:
        assert one["outcome"] == "taken", one
        assert one["asked_ms"] <= one["answered_ms"] <= one["finished_ms"] <= first["elapsed_ms"], one
    gone = local.call("GET", "/api/v1/runs/1/rounds/6/participants", 404, code="not-found").json
    assert "the last 64" in gone["detail"], gone
    for path in ("evaluations/5/devices", "evaluations/x/devices", "rounds/x/participants"):
        local.call("GET", f"/api/v1/runs/1/{path}", 404, code="not-found")
    for path in ("details", "evaluations", "evaluations/6/devices", "devices/device-000/evaluations", "rounds/0/participants"):
        local.call("GET", f"/api/v1/runs/77/{path}", 404, code="not-found")


def check_changes_of_runs(local):
    """Run 2 begins with the model of run 1, is paused, resumed and stopped; run 3 is stopped in the queue."""
    local.call("POST", "/api/v1/runs", 201, order(100000, init_model=1, firmware="skink", release="auto"))
    local.call("POST", "/api/v1/runs", 201, order(3, group="none", label="floor=1"))
    wait_for(local, 2, ["running"])
    deadline = time.monotonic() + TIMEOUT_S
    while (run := local.call("GET", "/api/v1/status", 200).json["run"])["rounds_done"] == 0:
        assert time.monotonic() < deadline, "no round is finished"
    assert run["number"] == 2, run
    assert local.call("POST", "/api/v1/runs/2:pause", 200).json["phase"] == "paused"
    assert local.call("POST", "/api/v1/runs/2:resume", 200).json["phase"] in ("queued", "waiting", "running")
    wait_for(local, 2, ["running"])
    local.call("POST", "/api/v1/runs/2:resume", 409, code="wrong-phase")
    assert local.call("POST", "/api/v1/runs/3:stop", 200).json["phase"] == "stopped"
    assert local.call("POST", "/api/v1/runs/2:stop", 200).json["phase"] == "stopped"
    for action in ("pause", "resume", "stop"):
        local.call("POST", f"/api/v1/runs/2:{action}", 409, code="wrong-phase")
        local.call("POST", f"/api/v1/runs/77:{action}", 404)
    first, second = local.call("GET", "/api/v1/models", 200).json["items"]
    assert second["parent"] == first["sha256"] and first["figures"]["loss_after"] > 0
    assert local.call("GET", "/api/v1/models/2", 200).json == second
    file = local.call("GET", "/api/v1/models/1/file", 200)
    assert len(file.body) == first["bytes"]
    assert file.headers["Content-Disposition"] == 'attachment; filename="model-1.skm"'


def check_log(local):
    """Whatever happens to a run is told as of this run, also while another one is open."""
    deadline = time.monotonic() + TIMEOUT_S
    told = []
    while [event for event in told if event[1] == "model.added"][1:] == []:  # written every second or so
        assert time.monotonic() < deadline, told
        events = local.call("GET", "/api/v1/log?limit=500", 200).json["items"]
        told = [(event["run"], event["event"], event["text"]) for event in events]
    for number in (1, 2, 3):
        assert (number, "run.queued", f"run {number} of 'sine' is queued by local") in told, told
    assert (3, "run.phase", "run 3: stopped: stopped by local") in told, told
    assert (2, "run.phase", "run 2 is resumed by local") in told, told


def check_devices(local):
    said = {"group": "hall", "labels": {"floor": "1"}, "note": "by the door", "excluded": True}
    device = local.call("PATCH", "/api/v1/devices/device-001", 200, said).json
    assert {key: device[key] for key in said} == said, device
    deadline = time.monotonic() + TIMEOUT_S
    while not device["online"]:  # devices and events are written every second or so
        assert time.monotonic() < deadline, device
        device = local.call("GET", "/api/v1/devices/device-001", 200).json
    assert local.call("PATCH", "/api/v1/devices/device-001", 200, {"excluded": False}).json["group"] == "hall"
    assert local.call("PATCH", "/api/v1/devices/to-come", 200, {"note": "next week"}).json["last_seen"] is None
    assert local.call("GET", "/api/v1/devices/device-001", 200).json["labels"] == {"floor": "1"}
    for body, fault in (({"group": " "}, "begins or ends with a blank"), ({"group": "hall "}, "begins or ends with a blank"),
                        ({"labels": {"floor ": "1"}}, "'floor ': it begins or ends with a blank"),
                        ({"labels": {"floor": " "}}, "begins or ends with a blank"),
                        ({"labels": {"floor": "a\x07"}}, "has the control character 0x07 at byte 1"),
                        ({"note": "a\nb"}, "has the control character 0x0a at byte 1")):
        refused = local.call("PATCH", "/api/v1/devices/device-001", 400, body, code="invalid-body").json
        assert fault in refused["detail"], refused
    for body in ({"labels": {"a=b": "c"}}, {"labels": {"a": ""}}, {"labels": {"a": 1}}, {"excluded": 1}, {"id": "x"}):
        local.call("PATCH", "/api/v1/devices/device-001", 400, body, code="invalid-body")
    local.call("PATCH", "/api/v1/devices/no%20id", 400, {}, code="invalid-parameter")


def check_revocation(local, pki):
    """For good, once, and in the file that the configuration names; the device need not have been seen."""
    local.call("POST", "/api/v1/devices/no%20id:revoke", 400, code="invalid-parameter")
    for was_revoked in (False, True):
        answer = local.call("POST", "/api/v1/devices/to-come:revoke", 200).json
        assert "`skinkctl device revoke --pki DIR to-come`" in answer.pop("left_to_do"), answer
        assert answer == {"id": "to-come", "revoked": True, "was_revoked": was_revoked}, answer
    assert local.call("GET", "/api/v1/devices/to-come", 200).json["revoked"]
    assert not local.call("GET", "/api/v1/devices/device-001", 200).json["revoked"]
    revoked = [d["id"] for d in local.call("GET", "/api/v1/devices", 200).json["items"] if d["revoked"]]
    assert revoked == ["to-come"], revoked
    assert (Path(pki) / "revoked.txt").read_text().count("to-come") == 1


def check_renewals(local):
    """Asked for once, of devices that may be in the fleet; those of this test cannot answer."""
    local.call("POST", "/api/v1/devices/no%20id:renew", 400, code="invalid-parameter")
    for _ in range(2):
        assert local.call("POST", "/api/v1/devices/device-001:renew", 200).json == {"device": "device-001", "number": 1}
    refused = local.call("POST", "/api/v1/devices/to-come:renew", 409, code="cannot-be-renewed").json
    assert "to-come is revoked" in refused["detail"], refused
    rows = local.call("GET", "/api/v1/renewals?limit=5", 200).json["items"]
    assert [(row["device"], row["number"], row["phase"], row["reason"]) for row in rows] == [("device-001", 1, "asked", None)], rows


def check_forgetting(local):
    """Who is gone for good: not one that is there, nor one that is revoked."""
    local.call("DELETE", "/api/v1/devices/nobody", 404, code="not-found")
    for device, why in (("device-001", "device-001 is online"), ("to-come", "to-come is revoked")):
        refused = local.call("DELETE", f"/api/v1/devices/{device}", 409, code="device-in-use").json
        assert why in refused["detail"], refused
    local.call("PATCH", "/api/v1/devices/never", 200, {"group": "hall", "excluded": True})
    local.call("DELETE", "/api/v1/devices/never", 204)
    local.call("DELETE", "/api/v1/devices/never", 404, code="not-found")
    assert "never" not in [device["id"] for device in local.call("GET", "/api/v1/devices", 200).json["items"]]
    again = local.call("PATCH", "/api/v1/devices/never", 200, {"note": "again"}).json
    assert (again["group"], again["excluded"]) == (None, False), again
    local.call("DELETE", "/api/v1/devices/never", 204)


def check_filters(local):
    """Of each list what is asked for, and an error for what is no value."""
    def numbers(path):
        return [item.get("number", item.get("id")) for item in local.call("GET", f"/api/v1/{path}", 200).json["items"]]
    for run in local.call("GET", "/api/v1/runs?limit=500", 200).json["items"]:
        assert run["number"] in numbers(f"runs?limit=500&phase={run['phase']}")
    assert numbers("runs?phase=paused") == []
    assert numbers("devices?group=hall") == ["device-001"]
    assert numbers("devices?online=false") == ["to-come"]
    assert numbers("devices?group=hall&online=false") == []
    events = local.call("GET", "/api/v1/log?limit=500&event=run.queued", 200).json["items"]
    assert events and {event["event"] for event in events} == {"run.queued"}, events
    assert {event["level"] for event in local.call("GET", "/api/v1/log?limit=500&level=info", 200).json["items"]} == {"info"}
    for path in ("runs?phase=done", "devices?online=1", "log?last=5&level=info", "log?level=loud"):
        local.call("GET", f"/api/v1/{path}", 400, code="invalid-parameter")


def check_pages(local):
    """One item at a time is everything, in the same order."""
    for path in ("runs", "runs/1/rounds", "models", "releases", "devices", "log", "audit"):
        whole = local.call("GET", f"/api/v1/{path}?limit=500", 200).json
        assert whole["next"] is None and len(whole["items"]) > 1, whole
        items, after = [], ""
        while after is not None and len(items) < len(whole["items"]):
            page = local.call("GET", f"/api/v1/{path}?limit=1{after and f'&after={after}'}", 200).json
            items += page["items"]
            after = page["next"]
        assert items == whole["items"], path
        rest = local.call("GET", f"/api/v1/{path}?limit=1&after={after}", 200).json
        assert path == "log" or rest == {"items": [], "next": None}, rest
    for path in ("log", "audit"):
        whole = local.call("GET", f"/api/v1/{path}?limit=500", 200).json["items"]
        assert local.call("GET", f"/api/v1/{path}?last=2", 200).json["items"][-2:] == whole[-2:], path
        for query in ("last=0", "last=501", "last=x", "last=2&limit=2", "last=2&after=0"):
            local.call("GET", f"/api/v1/{path}?{query}", 400, code="invalid-parameter")
    rounds = [item["round"] for item in local.call("GET", "/api/v1/runs/1/rounds", 200).json["items"]]
    assert rounds == list(range(6)), rounds
    assert len(local.call("GET", "/api/v1/runs/1/rounds?after=4", 200).json["items"]) == 2


def check_tokens(local, port, state):
    """What each scope may; a token that was removed may nothing."""
    nobody = Client(port=port)
    nobody.call("GET", "/health/live", 200)
    assert nobody.call("GET", "/api/v1/status", 401, code="unauthorized").headers["WWW-Authenticate"] == "Bearer"
    tokens = {scope: local.call("POST", "/api/v1/tokens", 201, {"name": f"a {scope}", "scope": scope}).json
              for scope in ("read", "operate", "admin")}
    clients = {scope: Client(port=port, token=token["secret"]) for scope, token in tokens.items()}
    clients["read"].call("GET", "/api/v1/runs", 200)
    clients["read"].call("POST", "/api/v1/runs/1:stop", 403, code="scope-too-small")
    clients["operate"].call("PATCH", "/api/v1/devices/device-002", 200, {"note": "by a token"})
    assert clients["operate"].call("GET", "/api/v1/session", 200).json["scope"] == "operate"
    clients["read"].call("POST", "/api/v1/devices/device-002:revoke", 403, code="scope-too-small")
    clients["operate"].call("GET", "/api/v1/tokens", 403, code="scope-too-small")
    clients["operate"].call("GET", "/api/v1/audit", 403, code="scope-too-small")
    listed = clients["admin"].call("GET", "/api/v1/tokens", 200)
    for token in tokens.values():
        assert token["secret"].encode() not in listed.body
        for file in Path(state).glob("fleet.db*"):
            assert token["secret"].encode() not in file.read_bytes()
    taken = local.call("POST", "/api/v1/tokens", 409, {"name": "a read", "scope": "admin"}, code="name-taken").json
    assert f"token {tokens['read']['id']} is named 'a read'" in taken["detail"], taken
    clients["read"].call("DELETE", "/api/v1/devices/device-002", 403, code="scope-too-small")
    clients["admin"].call("DELETE", f"/api/v1/tokens/{tokens['read']['id']}", 204)
    clients["admin"].call("DELETE", f"/api/v1/tokens/{tokens['read']['id']}", 404)
    clients["read"].call("GET", "/api/v1/runs", 401, code="unauthorized")
    for body in ({"name": "", "scope": "read"}, {"name": " x", "scope": "read"}, {"name": "local", "scope": "read"}, {"name": "x", "scope": "root"},
                 {"scope": "read"}):
        local.call("POST", "/api/v1/tokens", 400, body, code="invalid-body")
    mode = stat.S_IMODE(os.stat(f"{state}/api.sock").st_mode)
    assert mode & 0o007 == 0, f"others may use the unix socket: {mode:o}"


def check_errors(local):
    for path in ("runs/77", "runs/0", "runs/x", "runs/77/rounds", "models/77", "models/77/file", "devices/nobody",
                 "nothing"):
        local.call("GET", f"/api/v1/{path}", 404, code="not-found")
    for method, path in (("PUT", "runs"), ("DELETE", "runs/1"), ("POST", "events"), ("GET", "runs/1:stop/x")):
        expected = 404 if path.endswith("/x") else 405
        local.call(method, f"/api/v1/{path}", expected)
    for path in ("runs/1:fly", "runs/1/fly"):
        refused = local.call("POST", f"/api/v1/{path}", 404, code="not-found").json
        assert "/api/v1/runs/1:pause, /api/v1/runs/1:resume, /api/v1/runs/1:stop" in refused["detail"], refused
    for path in ("devices/device-001:fly", "models/1:fly", "releases/1:fly", "trials/1:fly", "schedules/1:fly"):
        refused = local.call("POST", f"/api/v1/{path}", 404, code="not-found").json
        assert "there is no action 'fly' here" in refused["detail"], refused
    for query in ("limit=0", "limit=501", "limit=x", "after=-1", "after=x", "limit=1&limit=2"):
        local.call("GET", f"/api/v1/runs?{query}", 400, code="invalid-parameter")
    local.call("GET", "/api/v1/events?after=x", 400, code="invalid-parameter")
    local.call("GET", "/api/v1/ws", 426, code="upgrade-required")
    as_json = {"Content-Type": "application/json"}
    for body in ("", "[]", "{", '{"experiment": ""}', '{"experiment": "x", "more": 1}', '{"experiment": "x", "wait_s": -1}',
                 '{"experiment": "x", "set": []}', '{"experiment": "x", "release": "now"}'):
        local.call("POST", "/api/v1/runs", 400, body, as_json, code="invalid-body")
    long_key = {"Idempotency-Key": "k" * 129}
    local.call("POST", "/api/v1/runs", 400, order(1), long_key, code="invalid-parameter")
    local.call("POST", "/api/v1/runs", 415, "{}", {"Content-Type": "text/plain"}, code="unsupported-media-type")
    local.call("POST", "/api/v1/runs", 413, "", {**as_json, "Content-Length": "2000000"}, code="body-too-large")
    for wrong in ({"experiment": "no = toml ="}, {**order(1), "set": {"meta.rouds": 1}},
                  {**order(1), "set": {"meta.strategy": "none"}}):
        local.call("POST", "/api/v1/runs", 422, wrong, code="invalid-run")
    local.call("POST", "/api/v1/runs", 404, order(1, init_model=77), code="not-found")
    other = {**order(1, init_model=1), "set": {**order(1)["set"], "model.layers.0.units": 9}}
    differs = local.call("POST", "/api/v1/runs", 422, other, code="invalid-run").json["detail"].split("\n")
    assert len(differs) == 4 and "model 1: is a sound model, but not a model of this experiment" in differs[0], differs
    assert "dense 9" in differs[3] and "dense 9" not in differs[1], differs
    foreign = {"Origin": "http://elsewhere.example"}
    local.call("POST", "/api/v1/runs/1:stop", 403, headers=foreign, code="foreign-origin")


def check_audit(local):
    rows = local.call("GET", "/api/v1/audit", 200).json["items"]
    expected = (["run.queue"] * 3 + ["run.pause", "run.resume", "run.stop", "run.stop"] +
                ["release.add"] * 3 + ["device.describe"] * 8 + ["device.forget"] * 2 + ["run.queue"] * 2 + ["trial.add"] +
                ["schedule.add"] * 2 + ["schedule.change"] * 3 + ["schedule.remove"] * 2 + ["model.add"] * 2 + ["device.revoke"] * 2 + ["device.renew"] * 2 + ["token.add"] * 4 + ["device.describe", "token.remove"])
    actions = [row["action"] for row in rows]
    assert sorted(actions) == sorted(expected), actions
    others = {row["action"]: row["who"] for row in rows if row["who"] != "local"}
    assert others == {"release.add": "trial 1", "device.describe": "a operate", "token.remove": "a admin"}, others


def check_guessing(port):
    """Ten wrong tokens in a minute, and their address has to wait."""
    guesser = Client(port=port, token="wrong")
    tries = 0
    while guesser.open("GET", "/api/v1/status").status == 401:
        tries += 1
        assert tries <= 10, tries
    assert int(guesser.call("GET", "/api/v1/status", 429, code="too-many-failed-logins").headers["Retry-After"]) > 0


def check_without_broker(local):
    """Nothing moves, which /health/ready and the status say; requests are answered, and runs may be queued."""
    deadline = time.monotonic() + TIMEOUT_S
    while (status := local.call("GET", "/api/v1/status", 200).json)["broker_connected"]:
        assert time.monotonic() < deadline, "the service does not notice that its broker has gone"
        time.sleep(0.1)
    assert status["phase"] == "broker lost" and status["reason"], status
    ready = local.call("GET", "/health/ready", 503).json
    assert [reason["code"] for reason in ready["reasons"]] == ["broker-lost"], ready
    assert local.call("POST", "/api/v1/runs", 201, order(1)).json["phase"] == "queued"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    parser.add_argument("--pki", required=True, help="folder of keys and certificates, which the service uses")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--without-broker", action="store_true", help="checks what is left to be checked at the end")
    arguments = parser.parse_args()
    local = Client(unix=f"{arguments.state}/api.sock")
    if arguments.without_broker:
        check_without_broker(local)
        return check_guessing(arguments.port)
    check_service(local)
    watcher = local.call("POST", "/api/v1/tokens", 201, {"name": "a watcher", "scope": "read"}).json["secret"]
    check_run_and_streams(local, Client(port=arguments.port, token=watcher))
    check_evaluations(local)
    check_changes_of_runs(local)
    check_log(local)
    check_releases(local)
    check_devices(local)
    check_revocation(local, arguments.pki)
    check_renewals(local)
    check_forgetting(local)
    check_trials(local)
    check_models_of_rounds(local)
    check_schedules(local)
    check_gates(local)
    check_tokens(local, arguments.port, arguments.state)
    check_filters(local)
    check_pages(local)
    check_errors(local)
    check_audit(local)
    done = {operation for operation, status in Client.answered if status < 300}
    every = {operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()}
    assert done == every, f"never asked with success: {every - done}"
    print(f"operations: {len(every)}; pairs of operation and status: {len(Client.answered)}")


main()
