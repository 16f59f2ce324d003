"""What check_api_answers.py asks about runs' models: registry, releases, trials, schedules, gates."""

import os
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "tests/support"))
from api_client import TIMEOUT_S  # noqa: E402

SET = {"fleet.devices": 6, "fleet.held_out": 2, "meta.cohort": 3, "evaluation.every": 0, "evaluation.tasks": 0,
       "evaluation.final_tasks": 4}
EXPERIMENT = (ROOT / "experiments/sine.toml").read_text()


def order(rounds, **more):
    return {"experiment": EXPERIMENT, "set": {**SET, "meta.rounds": rounds}, "wait_s": 60, **more}


def wait_for(client, number, phases):
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        run = client.call("GET", f"/api/v1/runs/{number}", 200).json
        if run["phase"] in phases:
            return run
        time.sleep(0.05)
    raise AssertionError(f"run {number} is not {phases}: {run}")


def check_releases(local):
    """To all, then to a group: devices say nothing of it here (edge_release_test.sh has them do so)."""
    once = {"Idempotency-Key": "first"}
    for _ in range(2):
        first = local.call("POST", "/api/v1/releases", 201, {"model": 1}, headers=once)
        assert (first.json["number"], first.json["group"], first.headers["Location"]) == (1, None, "/api/v1/releases/1"), first.json
    assert local.call("GET", "/api/v1/releases/1", 200).json == first.json
    local.call("GET", "/api/v1/releases/77", 404, code="not-found")
    local.call("POST", "/api/v1/releases", 400, {"model": 1}, headers={"Idempotency-Key": "k" * 129}, code="invalid-parameter")
    release = local.call("POST", "/api/v1/releases", 201, {"model": 2, "group": "hall"}).json
    assert (release["number"], release["model"], release["group"]) == (2, 2, "hall")
    assert local.call("GET", "/api/v1/releases?after=1", 200).json["items"] == [release]
    local.call("POST", "/api/v1/releases", 404, {"model": 77}, code="not-found")
    for body in ({}, {"model": 0}, {"model": "1"}, {"model": 1, "group": 7}, {"model": 1, "group": "hall "}):
        local.call("POST", "/api/v1/releases", 400, body, code="invalid-body")


def check_trials(local):
    """Three devices judge model 2, in the runs 4 and 5, and their gate lets everything pass."""
    local.call("POST", "/api/v1/trials", 422, {"model": 2, "group": "canaries"}, code="invalid-trial")
    for number in (3, 4, 5):
        local.call("PATCH", f"/api/v1/devices/device-00{number}", 200, {"group": "canaries"})
    asked = {"model": 2, "group": "canaries", "least_gain": -1e6, "least_devices": 2, "wait_s": 60}
    trial = local.call("POST", "/api/v1/trials", 201, asked).json
    assert (trial["phase"], trial["old_model"], trial["old_run"], trial["new_run"]) == ("judging", 1, 4, 5), trial
    deadline = time.monotonic() + TIMEOUT_S
    while trial["phase"] == "judging":
        assert time.monotonic() < deadline, trial
        time.sleep(0.1)
        trial = local.call("GET", "/api/v1/trials/1", 200).json
    assert local.call("GET", "/api/v1/trials", 200).json["items"] == [trial]
    local.call("GET", "/api/v1/trials/2", 404, code="not-found")
    assert (trial["phase"], trial["release"], len(trial["gains"])) == ("released", 3, 2), trial
    runs = local.call("GET", "/api/v1/runs?limit=500", 200).json["items"]
    told = [(run["number"], run["kind"], run["trial"]) for run in runs]
    assert told == [(1, "learn", None), (2, "learn", None), (3, "learn", None), (4, "evaluate", 1), (5, "evaluate", 1)], told
    assert local.call("GET", "/api/v1/runs/5", 200).json["trial"] == 1
    local.call("POST", "/api/v1/trials", 404, {**asked, "model": 77}, code="not-found")
    for body in ({"model": 2}, {"model": 2, "group": ""}, {"model": 2, "group": " "}, {**asked, "least_gain": "much"}, {**asked, "least_devices": 0}):
        local.call("POST", "/api/v1/trials", 400, body, code="invalid-body")


def check_models_of_rounds(local):
    """The last model of run 1 is there already; a round that it does not keep is refused with those that it keeps."""
    first = local.call("GET", "/api/v1/models/1", 200).json
    assert local.call("POST", "/api/v1/models", 201, {"run": 1}).json == first
    assert local.call("POST", "/api/v1/models", 201, {"run": 1, "round": 5}).json["rounds"] == 5
    refused = local.call("POST", "/api/v1/models", 404, {"run": 1, "round": 3}, code="not-found").json
    assert "it keeps those after 5, 6" in refused["detail"], refused
    local.call("POST", "/api/v1/models", 404, {"run": 77}, code="not-found")
    for body in ({}, {"run": 0}, {"run": 1, "round": "last"}):
        local.call("POST", "/api/v1/models", 400, body, code="invalid-body")


def check_schedules(local):
    """One is made, changed, removed; service and time are fleet_service_test's."""
    asked = order(6, name="weekly", every_s=604800, devices_worse=5, from_latest=True, checkpoint_rounds=2)
    schedule = local.call("POST", "/api/v1/schedules", 201, asked).json
    assert schedule.pop("notes") == [], schedule
    assert (schedule["number"], schedule["name"], schedule["runs"], schedule["last_run"]) == (1, "weekly", 0, None), schedule
    assert schedule["next"] and schedule["enabled"] and schedule["checkpoint_rounds"] == 2, schedule
    assert local.call("GET", "/api/v1/schedules", 200).json["items"] == [schedule]
    assert local.call("GET", "/api/v1/schedules/1", 200).json == schedule
    paused = local.call("PATCH", "/api/v1/schedules/1", 200, {"enabled": False, "new_devices": 3}).json
    assert paused == {**schedule, "enabled": False, "new_devices": 3, "next": None}, paused
    gate = {"group": "canaries", "least_gain": 0.5, "least_devices": 2, "wait_s": 60}
    gated = local.call("PATCH", "/api/v1/schedules/1", 200, {"release": "gated", "gate": gate}).json
    assert gated == {**paused, "release": "gated", "gate": gate}, gated
    assert local.call("PATCH", "/api/v1/schedules/1", 200, {"release": "manual"}).json == paused
    local.call("PATCH", "/api/v1/schedules/1", 422, {"every_s": 0, "devices_worse": 0, "new_devices": 0}, code="invalid-schedule")
    local.call("POST", "/api/v1/schedules", 422, order(6), code="invalid-schedule")
    local.call("POST", "/api/v1/schedules", 422, order(0, every_s=1000), code="invalid-schedule")
    for body in ({**asked, "first_s": 604801}, {**asked, "every_s": -1}, {**asked, "cron": "daily"}):
        local.call("POST", "/api/v1/schedules", 400, body, code="invalid-body")
    local.call("POST", "/api/v1/schedules", 404, {**asked, "init_model": 77}, code="not-found")
    poor = {**asked, "group": "hall", "release": "gated", "gate": {"group": "nobody"}, "name": "poor"}
    notes = local.call("POST", "/api/v1/schedules", 201, poor).json["notes"]
    assert notes == ["1 devices of group 'hall' are known so far, and each run needs 6: until more come, a run fails after 60 s",
                     "0 devices of group 'nobody' are known so far, and the gate needs 2: until more come, no model is released"], notes
    local.call("DELETE", "/api/v1/schedules/2", 204)
    local.call("DELETE", "/api/v1/schedules/1", 204)
    local.call("DELETE", "/api/v1/schedules/1", 404, code="not-found")
    for method, body in (("GET", None), ("PATCH", {"enabled": True})):
        local.call(method, "/api/v1/schedules/1", 404, body, code="not-found")


def check_gates(local):
    """What a gated run is asked with; fleet_service_test has one."""
    gate = {"group": "canaries"}
    for more in ({"release": "gated"}, {"gate": gate}, {"release": "auto", "gate": gate}, {"release": "some"},
                 {"release": "gated", "gate": {}}, {"release": "gated", "gate": {**gate, "least_devices": 0}},
                 {"release": "gated", "gate": {**gate, "most": 1}}, {"release": "gated", "gate": "canaries"}):
        local.call("POST", "/api/v1/runs", 400, order(6, **more), code="invalid-body")
