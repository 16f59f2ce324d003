#!/usr/bin/env python3
"""Writes a small, uneven data set of made-up sensors: make_sensors.py FOLDER

14 clients with 9 to 40 windows of 12 readings of 3 channels each, in very different units; four classes of which some clients
lack one or two; times, and targets of two numbers. Clients 0..8 are of the train split, 9 of validation, 10..13 of test.
"""

import json
import pathlib
import sys

import numpy as np

CLIENTS, READINGS, CHANNELS, CLASSES = 14, 12, 3, 4


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True)
    random = np.random.default_rng(19)
    x, labels, clients, times, targets = [], [], [], [], []
    for client in range(CLIENTS):
        absent = [(), (client % CLASSES,), (client % CLASSES, (client + 1) % CLASSES)][client % 3]
        present = [c for c in range(CLASSES) if c not in absent]
        own = random.uniform(0.7, 1.3, CHANNELS)
        time = 0.0
        for window in range(9 + 31 * (client * 5 % CLIENTS) // (CLIENTS - 1)):
            label = present[window * len(present) // 41 % len(present)] if client % 2 else present[window % len(present)]
            time += 1 + 3 * (window % 7 == 6)
            phase = random.uniform(0, 6.28)
            t = np.arange(READINGS)[:, None]
            wave = np.sin((0.3 + 0.4 * label) * t + phase + np.arange(CHANNELS)) * own
            readings = wave * [1.0, 250.0, 0.02] + [9.8, 1000.0, 0.0] + random.normal(0, 0.05, wave.shape) * [1, 250, 0.02]
            x.append(readings)
            labels.append(label * 2)                                    # classes 0, 2, 4, 6
            clients.append(client * 3)
            times.append(time)
            targets.append([label + wave[-1, 0], wave[-1, 1]])
    n = len(x)
    split = np.array([0 if c < 9 * 3 else 1 if c == 9 * 3 else 2 for c in clients])
    order = random.permutation(n)                                       # records need not be sorted
    for name, values, kind in (("x", x, "<f4"), ("class", labels, "<u2"), ("client", clients, "<u2"), ("split", split, "u1"),
                               ("time", times, "<f4"), ("target", targets, "<f4")):
        np.save(folder / f"{name}.npy", np.array(values)[order].astype(kind))
    names = ["idle", "unused-1", "walk", "unused-3", "run", "unused-5", "fall"]
    (folder / "dataset.json").write_text(json.dumps({"name": folder.name, "class_names": names}))


if __name__ == "__main__":
    main()
