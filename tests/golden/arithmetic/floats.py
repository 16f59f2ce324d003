"""docs/arithmetic.md, sections 1 and 2: numbers and conversions."""

import numpy as np

np.seterr(all="ignore")
F = np.float32
ZERO, HALF, ONE, TWO = F(0), F(0.5), F(1), F(2)


def without_minus_zero(x):
    return x + ZERO


def network_input(stored, scale, offset):
    return stored.astype(F) * scale + offset


def chain(terms):
    """0, then `+=` each term."""
    total = ZERO
    for term in terms:
        total = total + term
    return total
