#!/usr/bin/env python3
"""`skink-sim features` and features.py make the same data set out of recordings, to the bit; what is wrong is refused and leaves
nothing. Needs SKINK_BIN_DIR. Of the real data sets below SKINK_DATA the first records are compared, where they are there."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import features
from features import F, STATISTICS, Recipe

SIM = pathlib.Path(os.environ["SKINK_BIN_DIR"], "skink-sim")


def fail(message):
    sys.exit(f"FAILED: {message}")


def run(*arguments):
    return subprocess.run([SIM, "features", *map(str, arguments)], capture_output=True, text=True, check=False)


def write(folder, x, clients, description, times=None):
    folder.mkdir(parents=True)
    np.save(folder / "x.npy", x)
    np.save(folder / "client.npy", np.asarray(clients, "<u2"))
    np.save(folder / "class.npy", np.arange(len(x)).astype("<u2") % 3)
    np.save(folder / "split.npy", (np.arange(len(x)) % 3 == 2).astype("u1") * 2)
    if times is not None:
        np.save(folder / "time.npy", np.asarray(times, "<f4"))
    (folder / "dataset.json").write_text(json.dumps(description))


def mu_law(byte):
    """ITU-T G.711, as the 14-bit code word shifted to 16 bits."""
    v = ~byte & 0xff
    magnitude = (((v & 15) << 3) + 132 << (v >> 4 & 7)) - 132
    return -magnitude if v & 128 else magnitude


def by_reference(x, clients, scale, offset, recipe, length, hop, frames, frame_hop, is_standardised=False):
    """Samples of all records, and of which record each is."""
    found, of, running = [], [], {}
    for record, readings in enumerate(x):
        readings = readings.reshape(len(readings), -1)
        vectors = [features.features(window, recipe) for _, window in features.windows(readings, scale, offset, length, hop)[0]]
        if is_standardised:
            state = running.setdefault(int(clients[record]), features.Standardiser(len(vectors[0])))
            for i, vector in enumerate(vectors):
                state.add(vector)
                vectors[i] = state.standardise(vector)
        for first in range(0, len(vectors) - frames + 1, frame_hop):
            found.append(np.array(vectors[first:first + frames], F))
            of.append(record)
    return np.array(found), of


def compare(name, folder, arguments, expected, of, out):
    done = run(folder, "--out", out, *arguments)
    if done.returncode != 0:
        fail(f"{name}: {done.stderr}")
    x = np.load(out / "x.npy")[:len(expected)]
    if expected.shape[1] == 1:
        expected = expected[:, 0]
    if x.dtype != F or x.shape != expected.shape:
        fail(f"{name}: shape {x.shape}, wanted {expected.shape}")
    if x.tobytes() != features.without_minus_zero(expected).tobytes():
        fail(f"{name}: other bits")
    for part in ("class.npy", "client.npy", "split.npy"):
        if list(np.load(out / part)[:len(of)]) != list(np.load(folder / part)[of]):
            fail(f"{name}: {part} does not follow the records")
    print(f"{name}: {x.size} numbers equal to the bit")


def synthetic(work):
    random = np.random.default_rng(5)
    clients = [0, 1, 0, 1, 1, 0]
    walks = np.cumsum(random.integers(-300, 301, (6, 96, 3)), axis=1).astype("<i2")
    write(work / "walks", walks, clients, {"scale": [0.001, 0.002, -0.5], "offset": [0, 1, 2], "class_names": ["a", "b", "c"]},
          [0, 10, 20, 30, 40, 50])
    scale, offset = np.array([0.001, 0.002, -0.5]).astype(F), np.array([0, 1, 2], F)
    everything = Recipe(STATISTICS, 6, 64, "hann", 50, 0, 25)
    compare("windows", work / "walks", ["--statistics", "all", "--mel", 6, "--rate", 50, "--window", 32, "--hop", 16, "--frames", 1],
            *by_reference(walks, clients, scale, offset, everything, 32, 16, 1, 1), work / "windows")
    times = np.load(work / "windows/time.npy")
    if list(times[:6]) != [F(i * 16 / 50) for i in range(5)] + [10]:
        fail(f"times {times[:6]}")
    description = json.loads((work / "windows/dataset.json").read_text())
    wanted = {"records": 30, "shape": [39], "class_names": ["a", "b", "c"], "overlap": 1}
    if any(description[key] != value for key, value in wanted.items()) or description["features"]["version"] != 1:
        fail(f"dataset.json: {description}")
    some = Recipe(("rms", "step"), 0)
    compare("standardised", work / "walks", ["--statistics", "step,rms", "--standardise", "--window", 24, "--hop", 24],
            *by_reference(walks, clients, scale, offset, some, 24, 24, 4, 4, True), work / "standardised")
    sounds = random.integers(0, 256, (4, 700)).astype("u1")
    write(work / "sounds", sounds, [0, 0, 1, 2], {})
    decoded = np.vectorize(mu_law)(sounds).astype(np.int16)
    mel = Recipe((), 12, 256, "none", 8000, 60, 3800)
    arguments = ["--mu-law", "--scale", 2.0 ** -15, "--mel", 12, "--rate", 8000, "--low", 60, "--high", 3800, "--taper", "none",
                 "--window", 200, "--hop", 100, "--frames", 3, "--frame-hop", 2]
    compare("mu-law", work / "sounds", arguments,
            *by_reference(decoded, [0, 0, 1, 2], F(2.0 ** -15), F(0), mel, 200, 100, 3, 2), work / "mu-law")
    if run(work / "sounds", "--out", work / "again", *arguments).returncode != 0:
        fail("a second time")
    for path in (work / "again").iterdir():
        if path.name not in ("dataset.json", "sha256sums") and path.read_bytes() != (work / "mu-law" / path.name).read_bytes():
            fail(f"a second time: {path.name} differs")


def refusals(work):
    x = np.zeros((3, 40, 2), "<f4")
    x[1, 7, 1] = 2.0 ** 19
    write(work / "large", x, [0, 0, 0], {})
    write(work / "image", np.zeros((3, 8, 8, 1), "u1"), [0, 0, 0], {})
    write(work / "axes", np.zeros((3, 8, 10), "u1"), [0, 0, 0], {})
    good = ["--statistics", "rms"]
    for folder, arguments, code, text in (
            ("large", good, 4, "record 1, reading 7"),
            ("large", ["--statistics", "median"], 2, "'median' is no statistic"),
            ("large", ["--statistics", "rms,rms"], 2, "comes twice"),
            ("large", [], 2, "--statistics or --mel"),
            ("large", ["--mel", "8"], 2, "--rate"),
            ("large", ["--mel", "64", "--rate", "50"], 2, "each of which has a bin"),
            ("large", ["--mel", "8", "--rate", "50", "--high", "26"], 2, "--mel"),
            ("large", ["--mel", "8", "--rate", "50", "--fft", "100"], 2, "power of two"),
            ("large", [*good, "--window", "41"], 2, "--window"),
            ("large", [*good, "--window", "20", "--hop", "21"], 2, "--hop"),
            ("large", [*good, "--window", "20", "--frames", "3"], 2, "--frames"),
            ("large", [*good, "--window", "20", "--frames", "1", "--frame-hop", "2"], 2, "--frame-hop"),
            ("large", [*good, "--scale", "1e300"], 2, "--scale"),
            ("image", good, 2, "wanted readings"), ("axes", good, 2, "at most 9 axes"), ("nothing", good, 4, "nothing")):
        done = run(work / folder, "--out", work / "refused", *arguments)
        if done.returncode != code or text not in done.stderr:
            fail(f"{folder} {arguments}: {done.returncode}, {done.stderr}")
        if list(work.glob("refused*")):
            fail(f"{folder} {arguments}: left {list(work.glob('refused*'))}")
    if run(work / "axes", "--out", work / "axes", *good).returncode != 2:
        fail("wrote over a data set")
    print("refusals: as they should be")


def real(work):
    data = os.environ.get("SKINK_DATA", "")
    for name, scale, axes, arguments, recipe, (length, hop, frames) in (
            ("activity_phone", 0.0003125, 6, ["--statistics", "all", "--mel", 8, "--rate", 25],
             Recipe(STATISTICS, 8, 64, "hann", 25, 0, 12.5), (64, 64, 1)),
            ("speech_digits_ar_audio", 2.0 ** -15, 1,
             ["--mu-law", "--scale", 2.0 ** -15, "--mel", 16, "--rate", 8000, "--low", 60, "--high", 3800, "--window", 250, "--hop", 250],
             Recipe((), 16, 256, "hann", 8000, 60, 3800), (250, 250, 32))):
        folder = pathlib.Path(data, name)
        if not data or not folder.exists():
            print(f"SKIPPED: {name}: not below SKINK_DATA")
            continue
        x = np.load(folder / "x.npy")[:20]
        x = np.vectorize(mu_law)(x).astype(np.int16) if "--mu-law" in arguments else x
        found = by_reference(x, np.zeros(len(x)), np.full(axes, scale, F), np.zeros(axes, F), recipe, length, hop, frames, frames)
        compare(name, folder, arguments, *found, work / name)


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        synthetic(work)
        refusals(work)
        real(work)


main()
