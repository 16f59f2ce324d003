#!/usr/bin/env python3
"""Reference implementation of docs/arithmetic.md and docs/model-file.md, written from these documents alone. What
they specify is in arithmetic/, a file for each part; the codecs are in codec.py.

    reference.py EXPERIMENT.toml [--data DIR] [--set key=value]... [--evaluate] [--trace]
    reference.py --self-test

Prints the SHA-256 of the model after all rounds as one JSON object. The numbers in comments are sections of
docs/arithmetic.md. Every value is a numpy float32 (`F`) unless a section says double; a loop over an index is an order
that the document fixes, an array operation only ever runs over independent elements.
"""

import argparse
import json
import math
import sys
import tomllib

import numpy as np

from arithmetic.elementary import cos, exp, log, sin, tanh
from arithmetic.floats import F, without_minus_zero
from arithmetic.initialization import RATIONAL_DENOMINATOR, RATIONAL_NUMERATOR, initialize
from arithmetic.network import Network
from arithmetic.random_bits import COHORT, EVALUATION, ORDER, Bits, between, permute, philox, uniform
from arithmetic.rounds import adapt, aggregate, fixed_point, is_taken, measure, training_devices
from arithmetic.run import Run

# What vectors and the conformance programs take from here.
__all__ = ["COHORT", "EVALUATION", "ORDER", "RATIONAL_DENOMINATOR", "RATIONAL_NUMERATOR", "Bits", "F", "Network", "Run",
           "adapt", "aggregate", "between", "cos", "exp", "initialize", "is_taken", "log", "measure", "permute",
           "sin", "tanh", "training_devices", "uniform", "without_minus_zero"]


# ------------------------------------------------------------------------------------------------------ Self-test

def self_test():
    def words(text):
        return tuple(int(word, 16) for word in text.split())

    for counter, key, expected in (                                     # Random123, kat_vectors
            ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
            ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
            ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1")):
        k0, k1 = words(key)
        assert philox(words(counter), k1 << 32 | k0) == words(expected)

    for n in range(1, 301):
        for seed in range(5):
            block = Bits(seed).block(ORDER, n, 0, 0)
            assert sorted(permute(i, n, block) for i in range(n)) == list(range(n)), n

    points = np.random.default_rng(1)
    wide = points.uniform(-87, 88, 10 ** 6).astype(F)
    positive = np.exp(wide.astype(np.float64)).astype(F)
    narrow = np.concatenate([points.uniform(-12, 12, 10 ** 6), wide / 1e3, 1 / wide]).astype(F)
    angles = np.concatenate([points.uniform(-12, 12, 10 ** 6), points.uniform(-8192, 8192, 10 ** 6)]).astype(F)
    for function, exact, x, absolute, relative in (
            (exp, np.exp, wide, 0, 2.0 ** -22), (log, np.log, positive, 2.0 ** -24, 2.0 ** -22),
            (tanh, np.tanh, narrow, 0, 2.0 ** -22), (sin, np.sin, angles, 2.0 ** -22, 0),
            (cos, np.cos, angles, 2.0 ** -22, 0)):
        y, truth = function(x), exact(x.astype(np.float64))
        error = np.abs(y - truth)
        assert y.dtype == F and np.all(error <= absolute + relative * np.abs(truth)), function
        with np.errstate(divide="ignore"):
            print(f"{function.__name__}: largest error {error.max():.3g}, "
                  f"relative {np.nanmax(np.where(truth == 0, 0, error / np.abs(truth))):.3g}")
        special = function(np.array([np.nan, np.inf, -np.inf, 0, -0.0], F))
        assert np.all(np.isfinite(special)), (function, special)

    for fraction, rounded in ((0.5, 0), (1.5, 2), (2.5, 2), (math.nan, 2 ** 40), (-1 * 2.0 ** 20, 0)):
        assert fixed_point(fraction * 2.0 ** -20) == rounded
    print("ok")


# ----------------------------------------------------------------------------------------------------------- Main

def apply_setting(experiment, setting):
    key, value = setting.split("=", 1)
    try:
        value = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        pass                                                            # a string without quotes
    *tables, key = key.split(".")
    for table in tables:
        experiment = experiment[int(table)] if isinstance(experiment, list) else experiment.setdefault(table, {})
    experiment[key] = value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", nargs="?")
    parser.add_argument("--data", default=".", help="folder of the data sets")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--init", help="file of the model that `init` names")
    parser.add_argument("--evaluate", action="store_true", help="also evaluate the final model")
    parser.add_argument("--trace", action="store_true", help="print the model hash after every round")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if not arguments.experiment:
        parser.error("no experiment")

    with open(arguments.experiment, "rb") as file:
        experiment = tomllib.load(file)
    for setting in arguments.set:
        apply_setting(experiment, setting)

    def trace(rounds, digest):
        if arguments.trace:
            print(rounds, digest, file=sys.stderr, flush=True)

    run = Run(experiment, arguments.data, arguments.init)
    phi = run.train(trace)
    result = {"model_sha256": run.network.model_hash(phi), "rounds": run.meta["rounds"]}
    if arguments.evaluate:
        result |= run.evaluate(phi)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
