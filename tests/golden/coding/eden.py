"""docs/codec.md, section 5: eden."""

import numpy as np

from .updates import SMALLEST_NORMAL, ZERO, F, nearest

C = dict(zip((1, 2, 4, 8, 16, 32, 64, 128, 256), map(F, (
    1, 0.70710677, 0.5, 0.35355338, 0.25, 0.17677669, 0.125, 0.088388346, 0.0625))))
V = {1: (1,), 2: (0.452780035, 1.51041761), 3: (0.245094179, 0.756005281, 1.34390928, 2.1519457),
     4: (0.12839503, 0.388048299, 0.656759119, 0.942340456, 1.2562312, 1.61804639, 2.06901723, 2.73258957)}
T = {1: (), 2: (0.981598822,), 3: (0.50054973, 1.04995728, 1.74792749),
     4: (0.258221665, 0.522403709, 0.799549788, 1.09928583, 1.43713879, 1.84353181, 2.4008034)}
SECOND = 0x40000000


def sum_of(a):
    s = np.zeros(8, F)
    for i, term in enumerate(a):
        s[i % 8] += term
    s = s[:4] + s[4:]
    s = s[:2] + s[2:]
    return s[0] + s[1]


def hadamard(t):
    h = 1
    while h < len(t):
        pairs = t.reshape(-1, 2, h)
        t = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        h *= 2
    return t


def parts(c, first, random):
    """For the beginning of a block and, unless that is all of it, its end: the numbers, and which are negated."""
    p = 1 << c.bit_length() - 1
    result = [(slice(0, p), random.signs(first, p))]
    if c > p:
        result.append((slice(c - p, c), random.signs(first + c - p, p, SECOND)))
    return result, C[p]


def negated(t, signs):
    return np.where(signs, -t, t)


def eden(codec, x, first, random):
    largest = np.max(np.abs(x))
    if largest < SMALLEST_NORMAL:
        return 0, np.zeros(len(x), np.int64)
    E = min(max(int(np.frexp(largest)[1]) - 1, -100), 100)
    g, t = F(2.0 ** E), x * F(2.0 ** -E)
    N = sum_of(t * t)
    steps, factor = parts(len(x), first, random)
    for part, signs in steps:
        t[part] = hadamard(negated(t[part] * factor, signs))
    R = np.sqrt(N / F(len(x)))
    level = sum((np.abs(t) >= F(threshold) * R for threshold in T[codec.bits]), np.zeros(len(x), np.int64))
    values = np.array(V[codec.bits], F)[level]
    D = sum_of(values * np.abs(t))
    scale = (D / sum_of(values * values)) * g if codec.ef else (N / D) * g
    return nearest(scale), level | (t < ZERO).astype(np.int64) << codec.bits - 1


def decode_eden(codec, codes, s, first, random):
    values = np.array(V[codec.bits], F)[codes & (1 << codec.bits - 1) - 1]
    t = negated(values, codes >> codec.bits - 1 == 1)
    steps, factor = parts(len(codes), first, random)
    for part, signs in reversed(steps):
        t[part] = negated(hadamard(t[part]) * factor, signs)
    return t * s
