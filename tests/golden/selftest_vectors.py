#!/usr/bin/env python3
"""The vectors of firmware/selftest, computed with reference.py and codec.py, which were written from docs/arithmetic.md
and docs/codec.md alone.

    selftest_vectors.py --check HEADER     compares a header with what is computed
    selftest_vectors.py --write HEADER     writes it
"""

import hashlib
import pathlib
import sys

import numpy as np

import codec
import features
import reference
from reference import F, Bits, Network, between

BITS = Bits(2024)
NUMBERS = 1024
DENSE = {"input": [6], "loss": "softmax_cross_entropy",
         "layers": [{"type": "dense", "units": 9}, {"type": "tanh"}, {"type": "dense", "units": 7}, {"type": "relu"},
                    {"type": "dense", "units": 3}]}
CONV = {"input": [8, 7, 2], "loss": "mean_squared_error",
        "layers": [{"type": "conv2d", "filters": 3, "units": 3, "kernel": 3, "stride": 1, "padding": "same"},
                   {"type": "tanh"}, {"type": "max_pool", "kernel": 2, "stride": 2},
                   {"type": "conv2d", "filters": 4, "units": 4, "kernel": 3, "stride": 2, "padding": "same"},
                   {"type": "relu"}, {"type": "average_pool", "kernel": 2, "stride": 1, "padding": "same"},
                   {"type": "flatten"}, {"type": "dense", "units": 2}]}

LAYERS = {"input": [8, 7, 2], "loss": "mean_squared_error",
          "layers": [{"type": "conv2d", "filters": 4, "kernel": 3, "stride": 2, "padding": "same"},
                     {"type": "tanh"}, {"type": "depthwise_conv2d", "kernel": 3, "padding": "same"},
                     {"type": "group_norm", "groups": 2}, {"type": "rational"},
                     {"type": "depthwise_conv2d", "kernel": 2, "stride": 1},
                     {"type": "global_average_pool"}, {"type": "dense", "units": 2}]}

# Every family, every way of writing one down, every option.
CODECS = ("float32", "int8", "int8:block:nearest", "int4:block", "int4:nearest+ef", "ternary", "sign", "sign:block+ef",
          "eden:1", "eden:2+ef", "eden:3", "eden:4+ef", "int8:nearest+range", "int4:block+range+ef", "ternary+range",
          "topk:0.05+float32+ef", "topk:0.25+int8", "topk:0.1+int4:nearest+ef", "topk:0.05+ternary+ef",
          "topk:0.1+int8+range", "topk:0.2+int4:nearest+range+ef", "topk:0.02+ternary+range")


def number(purpose, round_, device, element, low, high):
    return between(BITS.word(purpose, round_, device, element), F(low), F(high))


def numbers(purpose, round_, device, count, low, high):
    return np.array([number(purpose, round_, device, e, low, high) for e in range(count)], F)


def words(values):
    return hashlib.sha256(np.array(values, "<u4").tobytes()).hexdigest()


def float_bytes(array):
    return reference.without_minus_zero(array).astype("<f4").tobytes()


def floats(*arrays):
    return hashlib.sha256(float_bytes(np.concatenate([np.ravel(array) for array in arrays]))).hexdigest()


def over(function, round_, low, high):
    return floats(function(numbers(1, round_, 0, NUMBERS, low, high)))


def sample(network, index):
    stored = numbers(7, 0, index, int(np.prod(network.input)), -1, 1).reshape(network.input)
    if network.loss_kind == 1:
        return stored, index % 3
    return stored, numbers(8, 0, index, 2, -1, 1)


def initial(network):
    return numbers(2, 0, 0, network.parameters, -0.5, 0.5)


def train_online(model, steps):
    network = Network(model)
    flat = initial(network)
    w = network.tensors(flat)
    losses = [network.train_online(w, sample(network, step), F(0.05))[0] for step in range(steps)]
    return network, flat, np.array(losses, F)


def train_batch():
    network = Network(DENSE)
    flat = initial(network)
    w = network.tensors(flat)
    for _ in range(10):
        network.train_batch(w, [sample(network, s) for s in range(4)], F(0.05))
    return flat


def encodings(change, sizes, name):
    """Of one update, with error feedback of two: the encoded bytes, the decoded numbers and what is left."""
    named, residual = codec.parse(name), None
    for round_ in (3, 4) if named.ef else (3,):
        x = change if residual is None else change + residual
        random = codec.Random(BITS, round_, 7)
        encoded = codec.encode(named, x, sizes, random)
        decoded = codec.decode(named, encoded, sizes, random)
        residual = x - decoded
        yield encoded, decoded, residual


def coded():
    network, flat, _ = train_online(CONV, 12)
    change = (flat - initial(network))[network.trainable]
    digest = hashlib.sha256()
    for name in CODECS:
        for encoded, *numbers in encodings(change, network.trainable_sizes, name):
            digest.update(encoded)
            for array in numbers:
                digest.update(float_bytes(array))
    return digest.hexdigest()


def window_features():
    """All statistics and ten mel bands of windows of two axes, standardised as they come."""
    scale, offset = numbers(10, 0, 0, 2, 0.5, 2), numbers(10, 1, 0, 2, -1, 1)
    readings = np.stack([numbers(10, 2, axis, 440, -1, 1) for axis in range(2)], axis=1)
    recipe = features.Recipe(features.STATISTICS, 10, 256, "hann", 8000, 60, 3800)
    standardiser, found = features.Standardiser(34), []
    for _, window in features.windows(readings, scale, offset, 200, 80)[0]:
        vector = features.features(window, recipe)
        standardiser.add(vector)
        found += [vector, standardiser.standardise(vector)]
    assert len(found) == 8
    return floats(*found)


def vectors():
    permutations = [reference.permute(i, n, BITS.block(6, 0, 0, n)) for n in (1, 7, 100, 1000) for i in range(min(n, 100))]
    _, dense, dense_losses = train_online(DENSE, 40)
    _, conv, conv_losses = train_online(CONV, 12)
    _, layers, layers_losses = train_online(LAYERS, 12)
    return {
        "kRandomBits": words([BITS.word(5, 1, 2, e) for e in range(NUMBERS)]),
        "kPermutations": words(permutations),
        "kExp": over(reference.exp, 0, -100, 100),
        "kLog": over(reference.log, 1, 0, 1000),
        "kTanh": over(reference.tanh, 2, -5, 5),
        "kSin": over(reference.sin, 3, -9000, 9000),
        "kCos": over(reference.cos, 4, -50, 50),
        "kSqrt": over(np.sqrt, 9, 0, 4),
        "kDenseOnline": floats(dense_losses, dense),
        "kDenseBatch": floats(train_batch()),
        "kConvOnline": floats(conv_losses, conv),
        "kLayersOnline": floats(layers_losses, layers),
        "kCodecs": coded(),
        "kFeatures": window_features(),
    }


def header():
    lines = ["#pragma once", "/// @file", "/// Written by tests/golden/selftest_vectors.py --write; never by hand.", "",
             "namespace skink::firmware::selftest::vectors {", ""]
    for name, digest in vectors().items():
        lines.append(f'inline constexpr const char* {name} = "{digest}";')
    return "\n".join(lines + ["", "}  // namespace skink::firmware::selftest::vectors", ""])


def main():
    action, path = sys.argv[1], pathlib.Path(sys.argv[2])
    text = header()
    if action == "--write":
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path} holds other vectors than the reference computes")
    else:
        print(f"{text.count('constexpr')} vectors agree")


if __name__ == "__main__":
    main()
