#!/usr/bin/env python3
"""The blocks of common/features and features.py, which share no code: the same bits, and the same refusals.

    features_test.py [SEED [ROUNDS]]      needs SKINK_BIN_DIR (tests/features_program); another seed draws other cases
"""

import collections
import os
import pathlib
import subprocess
import sys

import numpy as np

import features
from features import F, STATISTICS, Recipe, Refused

LENGTHS = (64, 128, 256, 512, 1024)


def hexadecimal(values):
    return np.asarray(values, F).astype(">f4").tobytes().hex() or "-"


def bits(values):
    return hexadecimal(features.without_minus_zero(np.asarray(values, F)))


def mask_of(names):
    return sum(1 << i for i, name in enumerate(STATISTICS) if name in names)


def signal(random, n):
    """Readings of all kinds: noise, tones, steps, tiny, huge, constant."""
    kind = random.integers(7)
    time = np.arange(n)
    x = (random.uniform(-1, 1, n), np.sin(time * random.uniform(0, 3.2)), np.where(time < n // 3, -1, 1),
         random.standard_normal(n) * 1e-30, random.uniform(-2.0 ** 19, 2.0 ** 19, n) * 0.9999, np.full(n, random.uniform(-4, 4)),
         random.integers(-32768, 32768, n) / 4096)[kind]
    return x.astype(F)


# ---------------------------------------------------------------------------------------------------------- Cases

def transform_case(random):
    x = signal(random, random.choice(LENGTHS))
    re, im = features.transform(x)
    packed = np.stack([re[:-1], im[:-1]], axis=1).ravel()
    packed[1] = re[-1]
    return f"transform {hexadecimal(x)}", [bits(packed)]


def power_case(random):
    n = int(random.choice(LENGTHS))
    x = signal(random, random.integers(2, n + 1))
    taper = random.choice(["none", "hann"])
    return f"power {taper} {n} {hexadecimal(x)}", [bits(features.power(x, n, taper))]


def statistics_case(random):
    x = signal(random, random.integers(2, 200))
    names = [name for name in STATISTICS if random.integers(3)] or ["rms"]
    expected = [getattr(features, name)(x) for name in names]
    return f"statistics {mask_of(names)} {hexadecimal(x)}", [bits(expected)]


def mel_numbers(random):
    n = int(random.choice(LENGTHS))
    rate = F(random.choice([25, 100, 8000, 16000, 44100, 1, 2 ** 20, random.uniform(1, 50000)]))
    edges = sorted(random.uniform(0, 0.5, 2))
    low, high = F(edges[0] * random.choice([0, 0.1, 1])) * rate, F(random.choice([edges[1], 0.5])) * rate
    return n, rate, low, high, int(random.choice([1, 2, 8, 16, 20, 40, 64]))


def mel_case(random):
    n, rate, low, high, bands = mel_numbers(random)
    p = np.abs(signal(random, n // 2 + 1))
    line = f"mel {n} {hexadecimal([rate])} {hexadecimal([low])} {hexadecimal([high])} {bands} {hexadecimal(p)}"
    try:
        return line, [bits(features.mel(p, *features.mel_edges(n, rate, low, high, bands)))]
    except Refused:
        return line, ["refused"]


def standardise_case(random):
    size, vectors = int(random.integers(1, 20)), int(random.integers(1, 40))
    x = np.stack([signal(random, vectors) for _ in range(size)], axis=1) * F(random.choice([1, 1e-20, 2.0 ** 30]))
    for bad in (np.nan, np.inf, -np.inf, 2.0 ** 49 * 1.5, 2.0 ** 49):
        if random.integers(4) == 0:
            x[random.integers(vectors), random.integers(size)] = bad
    standardiser, expected = features.Standardiser(size), []
    for vector in x:
        try:
            standardiser.add(vector)
            expected.append(bits(standardiser.standardise(vector)))
        except Refused:
            expected.append("refused")
    state = bits(np.concatenate([standardiser.m, standardiser.s]))
    return f"standardise {size} {hexadecimal(x)}", [*expected, str(standardiser.n), state]


def recipe_of(random, length):
    names = tuple(name for name in STATISTICS if random.integers(2))
    for _ in range(100):
        n, rate, low, high, bands = mel_numbers(random)
        try:
            features.mel_edges(n, rate, low, high, bands)
        except Refused:
            continue
        if n >= length and bands <= 20:
            return Recipe(names, bands if random.integers(4) else 0, n, str(random.choice(["none", "hann"])), rate, low, high)
    return Recipe(names or ("mean",))


def samples_case(random):
    axes, length = int(random.integers(1, 10)), int(random.integers(2, 150))
    hop, frames = int(random.integers(1, length + 1)), int(random.choice([1, 1, 2, 5]))
    frame_hop = int(random.integers(1, frames + 1))
    count = length + hop * int(random.integers(0, 8))
    recipe = recipe_of(random, length)
    if not recipe.statistics and not recipe.bands:
        recipe.statistics = ("rms", "step")
    scale, offset = random.uniform(-2, 2, axes).astype(F), random.uniform(-3, 3, axes).astype(F)
    if random.integers(2):
        kind, readings = "i16", random.integers(-32768, 32768, (count, axes)).astype(np.int16)
        text = readings.astype(">i2").tobytes().hex()
    else:
        kind, readings = "f32", np.stack([signal(random, count) / F(4) for _ in range(axes)], axis=1)
        for bad in (np.nan, np.inf, 2.0 ** 19, -3e38):
            if random.integers(4) == 0:
                readings[random.integers(count), random.integers(axes)] = bad
        text = hexadecimal(readings)
    refused = features.windows(readings, scale, offset, length, hop)[1]
    found = features.samples(readings, scale, offset, length, hop, recipe, frames, frame_hop)
    words = (kind, axes, length, hop, hexadecimal(scale), hexadecimal(offset), mask_of(recipe.statistics), recipe.bands, recipe.n,
             recipe.taper, hexadecimal([recipe.rate]), hexadecimal([recipe.low]), hexadecimal([recipe.high]), frames, frame_hop, text)
    return "samples " + " ".join(map(str, words)), [*map(bits, found), str(refused)]


CASES = (transform_case, power_case, statistics_case, mel_case, standardise_case, samples_case)


def main():
    seed, rounds = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 1), (2, 40)))
    random = np.random.default_rng(seed)
    cases = [case(random) for _ in range(rounds) for case in CASES]
    program = pathlib.Path(os.environ["SKINK_BIN_DIR"], "tests/features_program")
    done = subprocess.run([program], input="\n".join(line for line, _ in cases) + "\n", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"FAILED: exit code {done.returncode}: {done.stderr}")
    answers = done.stdout.splitlines()
    assert len(answers) == len(cases), (len(answers), len(cases))
    counts, numbers = collections.Counter(), 0
    for (line, expected), answer in zip(cases, answers):
        kind = line.split()[0]
        counts[kind] += 1
        counts[kind + ", refusals"] += sum(word == "refused" for word in expected)
        numbers += sum(len(word) // 8 for word in expected)
        if answer.split() != expected:
            sys.exit(f"FAILED: {kind}\n{line[:300]}\n{answer[:400]}\nexpected\n{' '.join(expected)[:400]}")
    for kind, count in sorted(counts.items()):
        print(f"{count:5} {kind}")
    assert counts["mel, refusals"] and counts["standardise, refusals"] and counts["mel"] > counts["mel, refusals"]
    print(f"{numbers} numbers equal to the bit")


main()
