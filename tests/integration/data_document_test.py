#!/usr/bin/env python3
"""docs/data.md does what it says: the blocks of its examples, one after another, make data sets that their experiments learn
from, with the numbers that were printed on the way."""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
BIN = pathlib.Path(os.environ["SKINK_BIN_DIR"])
DOCUMENT = (ROOT / "docs/data.md").read_text()
EXAMPLES = {"A CSV file with a window in each row": "hand", "A raw log": "machines", "Features": "currents",
            "A forecast": "ahead", "Arrays in Python": "gestures"}


def fail(text: str) -> None:
    sys.exit(f"FAILED: {text}")


def section(heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", DOCUMENT, re.M | re.S)
    if not found:
        fail(f"docs/data.md has no section '{heading}'")
    return found[1]


def run(command: list) -> str:
    environment = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        fail(f"{command[-1]}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_scaling(experiment: str, printed: str) -> None:
    for key in ("input_scale", "input_offset", "target_scale", "target_offset"):
        if key not in experiment:
            continue
        line = re.search(rf"^ *({key} = .*)$", printed, re.M)
        if not line:
            fail(f"nothing printed {key}")
        if f"\n{line[1]}\n" not in experiment:
            fail(f"the document's experiment lacks what was printed: {line[1]}")


def check_learned(name: str) -> None:
    summary = json.loads(pathlib.Path(f"out/{name}/summary.json").read_text())
    accuracy = summary["query_accuracy_after"]
    with open(f"out/{name}/metrics.csv", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    diverged = sum(int(row["diverged"] or 0) for row in rows)
    if diverged:
        fail(f"{name}: {diverged} updates diverged")
    if accuracy is None:
        skill = summary["figures"]["skill"]["after"]
        if not skill > 0.9:
            fail(f"{name}: skill {skill} over persistence")
        print(f"{name}: skill {skill:.2f}, nothing diverged")
        return
    if not accuracy > 0.9:
        fail(f"{name}: accuracy {accuracy}, of three classes")
    print(f"{name}: accuracy {accuracy:.2f}, nothing diverged")


def check_folders() -> None:
    """What the document says of the files."""
    machines, ahead = pathlib.Path("data/machines"), pathlib.Path("data/ahead")
    windows = np.load(machines / "x.npy")
    if windows.shape[1:] != (64, 1) or windows.dtype != np.int16:
        fail(f"data/machines has {windows.dtype} {windows.shape}")
    if json.loads((machines / "dataset.json").read_text())["overlap"] != 1:
        fail("windows that share half of their readings overlap with one")
    if (machines / "target.npy").exists() or np.load(ahead / "target.npy").shape != (len(np.load(ahead / "x.npy")), 3):
        fail("targets are where they were asked for")
    client, time = np.load(machines / "client.npy"), np.load(machines / "time.npy")
    if time[client == 3].min() != 0 or not (np.diff(time[client == 3]) > 0).all():
        fail("times begin at 0 for each device, and grow")


def check_persistence() -> None:
    """The forecast that nothing changes, computed from the folder."""
    folder = pathlib.Path("data/ahead")
    x, target, client, split, time = (np.load(folder / f"{name}.npy") for name in ("x", "target", "client", "split", "time"))
    errors = []
    for one in np.unique(client[split == 2]):
        records = np.flatnonzero((client == one) & (split == 2))
        records = records[np.argsort(time[records], kind="stable")]
        judged = records[len(records) // 2 + 2:]  # support_size = 0.5, gap = 2
        last = x[judged, -1, 0].astype(np.float64)
        errors.append(np.sqrt(np.mean((last[:, None] - target[judged]) ** 2)))
    found = json.loads(pathlib.Path("out/ahead/summary.json").read_text())["figures"]["persistence"]
    if abs(found - np.mean(errors)) > 1e-4 * found:
        fail(f"persistence has an error of {np.mean(errors)}, {found} was written")


def check_shared_readings() -> None:
    """A sweep and a comparison say what a run says."""
    for command in (["sweep", "machines.toml", "--set", "task.gap=0"], ["compare", "random.toml"]):
        text = pathlib.Path("machines.toml").read_text().replace("gap = 1", "gap = 0")
        arms = '\n[[arm]]\nname = "a"\n\n[[arm]]\nname = "none"\nmeta.strategy = "none"\n'
        pathlib.Path("random.toml").write_text(text + arms)
        done = subprocess.run([f"{BIN}/skink-sim", *command, "--set", "meta.rounds=4", "--data", "data", "--out",
                               f"out/{command[0]}", "--quiet"], capture_output=True, text=True)
        if done.returncode != 0 or "share readings" not in done.stderr:
            fail(f"{command} does not say that windows overlap: {done.stdout}{done.stderr}")
    if "share readings" not in pathlib.Path("out/compare/compare.md").read_text():
        fail("compare.md does not say that windows overlap")


def check_unjudged_classes() -> None:
    """Of each state the first 35 windows are in the support set: what comes after the last of them is blocked."""
    done = subprocess.run([f"{BIN}/skink-sim", "run", "machines.toml", "--set", "task.support_size=35", "--data", "data",
                           "--out", "out/late", "--quiet"], capture_output=True, text=True)
    if done.returncode != 0 or "no query sample is of class idle, pumping" not in done.stderr:
        fail(f"classes that nothing judges are not named: {done.stdout}{done.stderr}")
    summary = json.loads(pathlib.Path("out/late/summary.json").read_text())
    if summary["unjudged_classes"] != ["idle", "pumping"] or summary["known_clients"] != 0:
        fail(f"summary.json has {summary['unjudged_classes']}")
    whole = json.loads(pathlib.Path("out/machines/summary.json").read_text())
    with open("out/machines/confusion.csv", newline="") as file:
        rows = [list(row.values()) for row in csv.DictReader(file)]
    for when in ("before", "after"):
        counted = [[int(count) for count in row[2:]] for row in rows if row[0] == when]
        if whole["confusion"][when] != counted or whole["confusion"]["classes"] != ["blocked", "idle", "pumping"]:
            fail("summary.json and confusion.csv differ")
    if whole["unjudged_classes"] != []:
        fail("the document's example judges not every class")


def follow(heading: str, name: str) -> None:
    printed, experiment = "", ""
    for language, block in re.findall(r"^```(python|sh|toml)\n(.*?)^```$", section(heading), re.M | re.S):
        if language == "python":
            printed += run([sys.executable, "-c", block])
        elif language == "sh":
            printed += run(["bash", "-euc", block])
        else:
            experiment = block
            pathlib.Path(f"{name}.toml").write_text(block)
    check_scaling(experiment, printed)
    check_learned(name)


with tempfile.TemporaryDirectory() as temporary:
    os.chdir(temporary)
    for title, data_set in EXAMPLES.items():
        follow(title, data_set)
    check_folders()
    check_persistence()
    check_shared_readings()
    check_unjudged_classes()
    os.chdir("/")
