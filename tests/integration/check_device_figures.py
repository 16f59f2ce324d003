#!/usr/bin/env python3
"""Checks that devices.csv of a fleet, its summary.json and the last line of its metrics.csv say the same.

Usage: check_device_figures.py FOLDER
"""

import csv
import json
import pathlib
import statistics
import sys

folder = pathlib.Path(sys.argv[1])
summary = json.loads((folder / "summary.json").read_text())
figures = summary["figures"]
with open(folder / "devices.csv", newline="") as file:
    devices = list(csv.DictReader(file))
with open(folder / "metrics.csv", newline="") as file:
    last = [row for row in csv.DictReader(file) if row["evaluation_tasks"]][-1]

assert figures["over"] == "devices" and figures["units"] == len(devices) > 1, figures
assert sum(int(row["query_samples"]) for row in devices) == summary["query_samples"]
assert sum(int(row["diverged"]) for row in devices) == summary["evaluation_diverged_tasks"]
assert all(row["task"] == "" and row["client"] for row in devices)
measured = 0
for name, figure in figures.items():
    if not isinstance(figure, dict):
        continue
    for when in ("before", "after"):
        values = [float(row[f"{name}_{when}"]) for row in devices if row[f"{name}_{when}"]]
        assert abs(statistics.mean(values) - figure[when]) < 1e-6 * abs(figure[when]) + 1e-12, (name, when)
        assert abs(float(last[f"{name}_{when}"]) - figure[when]) < 1e-6 * abs(figure[when]) + 1e-12, (name, when)
        measured += 1
assert measured >= 2 and figures["loss"] and figures["macro_f1"] is None and figures["persistence"] is None
