#!/usr/bin/env python3
"""The initial coefficients of a rational activation (docs/arithmetic.md, section 9): a least-squares fit of ReLU.

    rational_fit.py            prints the fit and how far it is from ReLU
    rational_fit.py --check    fails when the coefficients of reference.py are not those of the fit

Fitted is r(x) = (a0 + a1 x + a2 x^2 + a3 x^3) / (1 + |b1 x + b2 x^2|) on [-3, 3]. ReLU is x/2 + |x|/2, and the interval is
symmetric, so the best fit has an odd part of exactly x/2 and an even denominator: b1 = 0, a1 = 1/2, a3 = b2/2. What is left
is |x|/2 by (a0 + a2 x^2) / (1 + b2 x^2): a line search over b2, and for every b2 linear least squares. All in double, on a
grid; rounded to four decimals.
"""

import sys

import numpy as np

import reference

EDGE, POINTS = 3.0, 6001
X = np.linspace(-EDGE, EDGE, POINTS)


def even_part(b2):
    """The best a0 and a2, and the mean square of what is left."""
    basis = np.stack([np.ones(POINTS), X ** 2], axis=1) / (1 + b2 * X ** 2)[:, None]
    a, *_ = np.linalg.lstsq(basis, np.abs(X) / 2, rcond=None)
    return a, np.mean((basis @ a - np.abs(X) / 2) ** 2)


def fit():
    """Golden-section search: the mean square has one minimum in b2."""
    ratio = (np.sqrt(5) - 1) / 2
    low, high = 1e-3, 1e2
    while high - low > 1e-9:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if even_part(left)[1] < even_part(right)[1] else (left, high)
    (a0, a2), _ = even_part(low)
    b2 = round(low, 4)
    return [round(a0, 4), 0.5, round(a2, 4), round(b2 / 2, 4)], [0.0, b2]


def value(numerator, denominator, x):
    return np.polyval(numerator[::-1], x) / (1 + np.abs(np.polyval([denominator[1], denominator[0], 0.0], x)))


def main():
    numerator, denominator = fit()
    error = value(numerator, denominator, X) - np.maximum(X, 0)
    print(f"numerator {numerator}, denominator {denominator}")
    print(f"on [-3, 3]: largest error {np.abs(error).max():.4f}, root of the mean square {np.sqrt(np.mean(error ** 2)):.4f}")
    for x in (-6.0, -1.0, 0.0, 1.0, 6.0):
        print(f"r({x:g}) = {value(numerator, denominator, x):.4f}")
    if sys.argv[1:] == ["--check"]:
        used = [list(map(float, map(str, c))) for c in (reference.RATIONAL_NUMERATOR, reference.RATIONAL_DENOMINATOR)]
        if used != [numerator, denominator]:
            sys.exit(f"reference.py has {used}")


main()
