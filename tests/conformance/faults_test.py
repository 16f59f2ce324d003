#!/usr/bin/env python3
"""scripts/conformance can fail: each fault of python_device.py makes the right check fail, and no other; so do settings of
skink-coordinator that are not those of the experiment.

Needs SKINK_SOURCE_DIR and SKINK_BIN_DIR (skink-coordinator).
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
# setting of the coordinator, the check that finds it
SETTINGS = [
    ("MASTER_KEY", "challenge"),
    ("seed=12", "evaluation_malformed"),
    ("codec.uplink=int8", "tasks"),
    ("fleet.deadline_ms=60000", "tasks"),
    ("meta.meta_learning_rate=0.4", "round_done"),
    ("codec.downlink=whole", "round_done"),
]
# fault, the check that finds it, seconds for an answer
FAULTS = [
    ("asks_never", "asks_again", 7),
    ("talks_on", "nothing_unasked", 20),
    ("no_residual", "error_feedback", 20),
    ("keeps_residual", "error_feedback", 20),
    ("no_fallback", "patch_damaged", 20),
    ("stale_challenge", "birth_again", 5),
    ("no_task_in_birth", "task_in_birth", 5),
    ("no_kept_model", "model_kept", 2),
    ("forgets_result", "result_kept", 2),
    ("any_model", "wrong_model_hash", 20),
    ("no_will", "last_will", 2),
    ("wrong_code", "birth", 20),
    ("not_retained", "birth_retained", 20),
    ("believes_all", "presence_wrong_code", 20),
    ("believes_all", "task_wrong_code", 20),
    ("believes_all", "reply_wrong_code", 20),
    ("no_versions", "version_mismatch", 2),
    ("any_codec", "unknown_codec", 2),
    ("wrong_bits", "whole_model", 20),
    ("adapts_again", "repeated_task", 20),
    ("resends_all", "resend", 20),
    ("lower_rounds", "old_tasks", 20),
    ("any_signature", "release_signature", 7),
    ("older_releases", "release_older", 7),
    ("forgets_release", "release_power_cut", 20),
    ("no_scope", "scope", 20),
    ("blind_judgement", "release_use", 20),
]


def try_tool(results, check, arguments, environment=None):
    """What is wrong: the tool must say that this check failed, and no other."""
    done = subprocess.run([SOURCE / "scripts/conformance", *arguments, "--json", results], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 1:
        return f"exit code {done.returncode}: {done.stdout[-400:]}{done.stderr[-400:]}"
    failed = [entry["check"] for entry in json.loads(results.read_text())["checks"] if entry["result"] == "FAIL"]
    return "" if failed == [check] else f"failed: {failed}\n{done.stdout[-800:]}"


def try_fault(results, fault, check, patience):
    device = SOURCE / "tests/conformance/python_device.py"
    return try_tool(results, check, ["device", "--start", f"exec '{sys.executable}' '{device}' {fault}", "--only", check,
                                     "--patience", str(patience), "--wait", "20"])


def try_setting(results, setting, check):
    start = f"exec bash '{SOURCE / 'tests/conformance/start_coordinator.sh'}'"
    environment = {}
    if setting == "MASTER_KEY":
        environment["MASTER_KEY"] = str(results.with_suffix(".key"))
        results.with_suffix(".key").write_text("00" * 31 + "01\n")
    else:
        start += f" --set {setting}"
    return try_tool(results, check, ["coordinator", "--start", start, "--only", check, "--wait", "6", "--patience", "10"],
                    environment)


def main():
    wrong, runs = 0, []
    with tempfile.TemporaryDirectory(prefix="skink-faults-") as name, concurrent.futures.ThreadPoolExecutor(5) as pool:
        for try_one, table in ((try_setting, SETTINGS), (try_fault, FAULTS)):
            for row in table:
                runs.append((row, pool.submit(try_one, pathlib.Path(name) / f"{len(runs)}.json", *row)))
        for (fault, check, *_), run in runs:
            problem = run.result()
            wrong += bool(problem)
            print(f"{'FAILED' if problem else 'ok'}: {fault} is found by {check} {problem}", flush=True)
    print(f"{len(runs) - wrong} of {len(runs)} faults are found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
