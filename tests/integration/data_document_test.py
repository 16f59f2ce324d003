#!/usr/bin/env python3
"""docs/data.md does what it says: its lines of numpy make a data set that its experiment learns from."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
SIM = pathlib.Path(os.environ["SKINK_BIN_DIR"]) / "skink-sim"
DEVICES, CLASSES, WINDOWS, VALUES = 10, 3, 12, 24


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs/data.md").read_text(), re.M | re.S)
    if len(found) != 1:
        sys.exit(f"FAILED: docs/data.md has {len(found)} blocks of {language}, wanted one")
    return found[0]


def recordings() -> dict:
    """Waves of one to three periods; devices differ in amplitude, the last three are for testing."""
    random = np.random.RandomState(1)
    order = np.arange(DEVICES * CLASSES * WINDOWS)
    labels, devices = order % CLASSES, order // (CLASSES * WINDOWS)
    phase = 2 * np.pi * (labels[:, None] + 1) * np.arange(VALUES) / VALUES + random.random_sample((len(order), 1))
    windows = (0.5 + 0.1 * devices[:, None]) * np.sin(phase) + 0.2 * random.standard_normal(phase.shape)
    return {"np": np, "windows": windows, "labels": labels, "devices": devices, "splits": np.where(devices < 7, 0, 2)}


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    (work / "data/hand").mkdir(parents=True)
    os.chdir(work / "data/hand")
    exec(block("python"), recordings())  # pylint: disable=exec-used
    os.chdir(work)
    (work / "hand.toml").write_text(block("toml"))
    done = subprocess.run([SIM, "run", "hand.toml", "--data", "data", "--out", "out", "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: {done.stderr}")
    summary = json.loads((work / "out/summary.json").read_text())
    accuracy = summary["query_accuracy_after"]
    if not accuracy > 0.7:
        sys.exit(f"FAILED: accuracy {accuracy}, of three classes")
    os.chdir("/")
print(f"docs/data.md: accuracy {accuracy:.2f}, passed")
