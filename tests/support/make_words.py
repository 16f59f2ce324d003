#!/usr/bin/env python3
"""Recordings of made-up words, a data set of [N, 2688] 16-bit readings at 8 kHz (`skink-sim features` takes it).

    make_words.py FOLDER [WORDS [TIMES]]

A word is a tone that goes through four pitches, silence being one of them; each utterance has its own pitch, loudness, length
and noise, and begins where it is first heard, as on a device with an onset gate.
"""

import json
import pathlib
import sys

import numpy as np

RATE, READINGS = 8000, 2688


def utterance(random, corners):
    length = int(random.integers(2500, 3000))
    part = np.arange(length) / length * 3
    first = np.minimum(part.astype(int), 2)
    hertz = corners[first] + (corners[first + 1] - corners[first]) * (part - first)
    is_silent = (corners[first] == 0) | (corners[first + 1] == 0)
    hertz = np.where(is_silent, 0, hertz) * random.uniform(0.85, 1.15)
    tone = random.uniform(0.2, 0.6) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * (hertz > 0)
    begin = int(random.integers(0, 128))  # the window in which it is heard begins up to a hop before it
    x = random.uniform(-0.01, 0.01, begin + READINGS)
    x[begin:begin + min(length, READINGS)] += tone[:READINGS]
    return (x[:READINGS] * 32767).astype("<i2")


def main():
    folder = pathlib.Path(sys.argv[1])
    words, times = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((2, 60), (3, 12)))
    random = np.random.default_rng(11)
    corners = random.uniform(400, 2400, (words, 4))
    corners[::4, 1] = 0  # two syllables
    corners[corners[:, 0] == 0, 0] = 900
    labels = np.repeat(np.arange(words), times)
    folder.mkdir(parents=True)
    np.save(folder / "x.npy", np.stack([utterance(random, corners[label]) for label in labels]))
    np.save(folder / "class.npy", labels.astype("<u2"))
    np.save(folder / "client.npy", np.tile(np.arange(times), words).astype("<u2"))
    np.save(folder / "split.npy", np.where(labels < words * 3 // 4, 0, 2).astype("u1"))
    (folder / "dataset.json").write_text(json.dumps({"name": folder.name}) + "\n")


main()
