"""docs/arithmetic.md, section 3: exp, log, tanh, sin, cos."""

import struct

import numpy as np

from .floats import HALF, ONE, TWO, ZERO, F


def constants(*pairs):
    """Floats from decimals, checked against their bit patterns."""
    for decimal, pattern in pairs:
        assert struct.pack(">f", F(decimal)).hex() == pattern, (decimal, pattern)
    return [F(decimal) for decimal, _ in pairs]


L, H, h = constants((1.44269504, "3fb8aa3b"), (0.693359375, "3f318000"), (-2.12194440e-4, "b95e8083"))
E = constants((1.9875691500e-4, "39506967"), (1.3981999507e-3, "3ab743ce"), (8.3334519073e-3, "3c088908"),
              (4.1665795894e-2, "3d2aa9c1"), (1.6666665459e-1, "3e2aaaaa"), (5.0000001201e-1, "3f000000"))
S, = constants((0.707106781, "3f3504f3"))
G = constants((7.0376836292e-2, "3d9021bb"), (-1.1514610310e-1, "bdebd1b8"), (1.1676998740e-1, "3def251a"),
              (-1.2420140846e-1, "bdfe5d4f"), (1.4249322787e-1, "3e11e9bf"), (-1.6668057665e-1, "be2aae50"),
              (2.0000714765e-1, "3e4cceac"), (-2.4999993993e-1, "be7ffffc"), (3.3333331174e-1, "3eaaaaaa"))
T = constants((-5.70498872745e-3, "bbbaf0ea"), (2.06390887954e-2, "3ca9134e"), (-5.37397155531e-2, "bd5c1e2d"),
              (1.33314422036e-1, "3e088393"), (-3.33332819422e-1, "beaaaa99"))
P, = constants((0.636619772, "3f22f983"))
A, B, C = constants((1.5703125, "3fc90000"), (4.837512969970703125e-4, "39fda000"),
                    (7.54978995489188216e-8, "33a22169"))
SIN = constants((-1.9515295891e-4, "b94ca1f9"), (8.3321608736e-3, "3c08839e"), (-1.6666654611e-1, "be2aaaa3"))
COS = constants((2.443315711809948e-5, "37ccf5ce"), (-1.388731625493765e-3, "bab6061a"),
                (4.166664568298827e-2, "3d2aaaa5"))


def rint(x):
    return (x + F(12582912)) - F(12582912)


def clamp(x, low, high):
    x = np.where(x > low, x, low)
    return np.where(high > x, x, high)


def polynomial(coefficients, x):
    p = coefficients[0]
    for coefficient in coefficients[1:]:
        p = p * x + coefficient
    return p


def exp(x):
    x = clamp(x, F(-87), F(88))
    n = rint(x * L)
    r = x - n * H
    r = r - n * h
    p = (polynomial(E, r) * (r * r) + r) + ONE
    return np.ldexp(p, n.astype(np.int32))


def log(x):
    m, e = np.frexp(clamp(x, F(2.0 ** -126), np.finfo(F).max))
    low = S > m
    e = np.where(low, e - 1, e).astype(F)
    m = np.where(low, m + m, m)
    m = m - ONE
    z = m * m
    y = (polynomial(G, m) * m) * z
    y = y + e * h
    y = y - HALF * z
    return (m + y) + e * H


def tanh(x):
    a = np.where(ZERO > x, ZERO - x, x)
    z = x * x
    near = (polynomial(T, z) * z) * x + x
    f = ONE - TWO / (exp(a + a) + ONE)
    return np.where(F(0.625) > a, near, np.where(ZERO > x, ZERO - f, f))


def quarter_turns(x, turn):
    x = np.where((x > F(-8192.5)) & (F(8192.5) > x), x, ZERO)
    n = rint(x * P)
    r = ((x - n * A) - n * B) - n * C
    q = (n.astype(np.int32) + turn) % 4
    z = r * r
    even = (polynomial(SIN, z) * z) * r + r
    odd = ((polynomial(COS, z) * z) * z - HALF * z) + ONE
    value = np.where(q % 2 == 0, even, odd)
    return np.where(q >= 2, ZERO - value, value)


def sin(x):
    return quarter_turns(x, 0)


def cos(x):
    return quarter_turns(x, 1)
