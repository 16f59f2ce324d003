"""docs/codec.md, section 3: levels, int8, int4 and ternary."""

import numpy as np

from .updates import ONE, ZERO, F, decoded_scale, rounded_up

LEVELS = {"int8": 127, "int4": 7, "ternary": 1}


def level_scale(codec, x):
    return rounded_up(np.max(np.abs(x)) / F(LEVELS[codec.quantizer]))


def levels(codec, x, code, v):
    most = F(LEVELS[codec.quantizer])
    s = decoded_scale(code)
    if s == ZERO:
        return np.zeros(len(x), np.int64)
    z = x * (ONE / s)
    if codec.nearest:
        q = (z + F(12582912)) - F(12582912)
    else:
        q = np.floor(z + v) - F(128)
    return np.clip(q, -most, most).astype(np.int64)


def from_levels(q, s):
    return np.asarray(q).astype(F) * s
