"""docs/arithmetic.md, section 9: initialization."""

import numpy as np

from .floats import ONE, F, without_minus_zero
from .random_bits import INITIALIZATION, between, uniform

RATIONAL_NUMERATOR = np.array((0.1238, 0.5, 0.4305, 0.0987), F)
RATIONAL_DENOMINATOR = np.array((0, 0.1974), F)


def initialize(network, entries, bits):
    flat = np.zeros(network.parameters, F)
    for l, (layer, tensors, entry) in enumerate(zip(network.layers, network.tensors(flat), entries)):
        if not tensors:
            continue
        weights, bias = (tensor.reshape(-1) for tensor in tensors)
        if entry["type"] == "group_norm":
            weights[:] = ONE
            continue
        if entry["type"] == "rational":
            weights[:], bias[:] = RATIONAL_NUMERATOR, RATIONAL_DENOMINATOR
            continue
        initializer = entry.get("initializer", "he_uniform")
        if initializer == "he_uniform":
            bound = F(entry.get("gain", 1.0)) * np.sqrt(F(6) / F(layer.fan_in))
            for e in range(len(weights)):
                u = uniform(bits.word(INITIALIZATION, l, 0, e))
                weights[e] = ((u + u) - ONE) * bound
        elif initializer == "kinks":
            (s0, s1), (x0, x1) = (map(F, entry[key]) for key in ("slopes", "inputs"))
            for e in range(len(weights)):
                m = between(bits.word(INITIALIZATION, l, 0, 2 * e), s0, s1)
                weights[e] = -m if bits.word(INITIALIZATION, l, 0, 2 * e + 1) >= 2 ** 31 else m
                bias[e] = -(weights[e] * between(bits.word(INITIALIZATION, l, 1, e), x0, x1))
        else:
            assert initializer == "zeros", initializer
    return without_minus_zero(flat)
