#!/usr/bin/env python3
"""scripts/conformance can fail: each fault of python_device.py makes the right check fail, and no other."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
# fault, the check that finds it, seconds for an answer
FAULTS = [
    ("asks_never", "asks_again", 7),
    ("talks_on", "nothing_unasked", 20),
    ("no_residual", "error_feedback", 20),
    ("keeps_residual", "error_feedback", 20),
    ("no_fallback", "patch_damaged", 20),
    ("stale_challenge", "birth_again", 20),
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
]


def try_fault(folder, number, fault, check, patience):
    results = folder / f"{number}.json"
    device = SOURCE / "tests/conformance/python_device.py"
    done = subprocess.run(
        [SOURCE / "scripts/conformance", "device", "--start", f"exec '{sys.executable}' '{device}' {fault}", "--only", check,
         "--patience", str(patience), "--wait", "20", "--json", results], capture_output=True, text=True)
    if done.returncode != 1:
        return f"exit code {done.returncode}: {done.stdout[-400:]}{done.stderr[-400:]}"
    failed = [entry["check"] for entry in json.loads(results.read_text())["checks"] if entry["result"] == "FAIL"]
    return "" if failed == [check] else f"failed: {failed}\n{done.stdout[-800:]}"


def main():
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="skink-faults-") as name, concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(try_fault, pathlib.Path(name), number, *fault) for number, fault in enumerate(FAULTS)]
        for (fault, check, _), run in zip(FAULTS, runs):
            problem = run.result()
            wrong += bool(problem)
            print(f"{'FAILED' if problem else 'ok'}: {fault} is found by {check} {problem}", flush=True)
    print(f"{len(FAULTS) - wrong} of {len(FAULTS)} faults are found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
