"""Reference implementation of docs/features.md, written from that page and docs/arithmetic.md alone. The numbers in comments are
its sections.

    windows(readings, scale, offset, length, hop)    [(first reading, [A, L])], and how many readings were refused
    features(window, recipe)                         [F] of a window [A, L]
    Standardiser(size)                               add(x), standardise(x)

Every value is a numpy float32 (`F`), and a loop over an index is an order that the page fixes. Refused is raised for what it refuses.
"""

from dataclasses import dataclass

import numpy as np

from arithmetic.elementary import cos, exp, log, sin
from arithmetic.floats import HALF, ONE, ZERO, F, without_minus_zero

LARGEST_READING, LARGEST_FEATURE = F(2.0 ** 19), F(2.0 ** 49)
STATISTICS = ("mean", "deviation", "energy", "rms", "least", "greatest", "step")
TURN = 1024


class Refused(Exception):
    pass


# ---------------------------------------------------------------------------------------------------------- 1. Windows

def windows(readings, scale, offset, length, hop):
    """readings [n, A] of int16 or float32. After a refused one counting begins anew."""
    found, stretch, refused = [], [], 0
    x = readings.astype(F) * np.asarray(scale, F) + np.asarray(offset, F)
    for number, reading in enumerate(x):
        if not np.all((reading > -LARGEST_READING) & (LARGEST_READING > reading)):
            refused += 1
            stretch = []
            continue
        stretch.append(reading)
        since = len(stretch) - length
        if since >= 0 and since % hop == 0:
            found.append((number + 1 - length, np.array(stretch[-length:], F).T))
    return found, refused


# ------------------------------------------------------------------------------------------------------- 2. Statistics

def mean(x):
    m = ZERO
    for value in x:
        m = m + value
    return m / F(len(x))


def deviation(x):
    s, m = ZERO, mean(x)
    for value in x:
        t = value - m
        s = s + t * t
    return np.sqrt(s / F(len(x)))


def energy(x):
    e = ZERO
    for value in x:
        e = e + value * value
    return e / F(len(x))


def rms(x):
    return np.sqrt(energy(x))


def least(x):
    v = x[0]
    for value in x:
        v = value if v > value else v
    return v


def greatest(x):
    v = x[0]
    for value in x:
        v = value if value > v else v
    return v


def step(x):
    d = ZERO
    for i in range(1, len(x)):
        t = x[i] - x[i - 1]
        d = d + (ZERO - t if ZERO > t else t)
    return d / F(len(x) - 1)


# -------------------------------------------------------------------------------------------- 3. Real Fourier transform

def table():
    """C and S, [129] each."""
    angles = np.arange(129).astype(F) * F(6.1359233e-3)
    return without_minus_zero(cos(angles)), without_minus_zero(sin(angles))


C, S = table()


def twiddle(t):
    """c and s of an array of t, each 0..511."""
    c, s = np.empty(len(t), F), np.empty(len(t), F)
    for i, part in enumerate(t):
        if part <= 128:
            c[i], s[i] = C[part], S[part]
        elif part <= 256:
            c[i], s[i] = S[256 - part], C[256 - part]
        elif part <= 384:
            c[i], s[i] = ZERO - S[part - 256], C[part - 256]
        else:
            c[i], s[i] = ZERO - C[512 - part], S[512 - part]
    return c, s


def reversed_bits(m):
    bits = m.bit_length() - 1
    return [int(format(j, f"0{bits}b")[::-1], 2) if bits else 0 for j in range(m)]


def transform(x):
    """Real and imaginary parts of X[0..N/2]."""
    n = len(x)
    m = n // 2
    order = reversed_bits(m)
    re, im = x[0::2][order].copy(), x[1::2][order].copy()
    half = 1
    while half < m:
        c, s = twiddle(np.arange(half) * (512 // half))
        for g in range(0, m, 2 * half):
            a, b = slice(g, g + half), slice(g + half, g + 2 * half)
            u = c * re[b] + s * im[b]
            v = c * im[b] - s * re[b]
            re[b], im[b], re[a], im[a] = re[a] - u, im[a] - v, re[a] + u, im[a] + v
        half *= 2
    out_re, out_im = np.zeros(m + 1, F), np.zeros(m + 1, F)
    out_re[0], out_re[m] = re[0] + im[0], re[0] - im[0]
    k = np.arange(1, m // 2 + 1)
    c, s = twiddle(k * (TURN // n))
    p_re, p_im, q_re, q_im = re[k], im[k], re[m - k], im[m - k]
    e_re, e_im = HALF * (p_re + q_re), HALF * (p_im - q_im)
    o_re, o_im = HALF * (p_im + q_im), HALF * (q_re - p_re)
    u = c * o_re + s * o_im
    v = c * o_im - s * o_re
    out_re[m - k], out_im[m - k] = e_re - u, v - e_im
    out_re[k], out_im[k] = e_re + u, e_im + v  # last, for k = M/2
    return out_re, out_im


# --------------------------------------------------------------------------------------------------- 4. Power spectrum

def hann(length):
    h = np.empty(length, F)
    first = np.arange(length // 2 + 1)
    h[first] = HALF - HALF * cos(first.astype(F) * (F(6.2831853) / F(length)))
    for n in range(length // 2 + 1, length):
        h[n] = h[length - n]
    return h


def power(x, n, taper):
    y = np.zeros(n, F)
    y[:len(x)] = x - mean(x)
    if taper == "hann":
        y[:len(x)] = y[:len(x)] * hann(len(x))
    re, im = transform(y)
    p = re * re
    p[1:-1] = p[1:-1] + im[1:-1] * im[1:-1]
    return p * F(1.0 / n)


# -------------------------------------------------------------------------------------------------------- 5. Mel bands

def mel_edges(n, rate, low, high, bands):
    rate, low, high = F(rate), F(low), F(high)
    if not (ZERO <= low < high <= HALF * rate and ONE <= rate <= F(2.0 ** 20) and 1 <= bands <= 64):
        raise Refused("range")
    scale = F(1127.01048)
    m0 = scale * log(ONE + low / F(700))
    m1 = scale * log(ONE + high / F(700))
    q = np.empty(bands + 2, F)
    for i in range(bands + 2):
        m = m0 + (m1 - m0) * (F(i) / F(bands + 1))
        f = F(700) * (exp(m / scale) - ONE)
        q[i] = f * (F(n) / rate)
        q[i] = ZERO if ZERO > q[i] else q[i]
    if not np.all(q[1:] > q[:-1]):
        raise Refused("edges do not grow")
    bins = np.arange(n // 2 + 1).astype(F)
    if not all(np.any((q[b] < bins) & (bins < q[b + 2])) for b in range(bands)):
        raise Refused("a band without a bin")
    return q, ONE / (q[1:] - q[:-1])


def mel(p, q, g):
    out = np.empty(len(q) - 2, F)
    for b in range(len(out)):
        e = ZERO
        for k, value in enumerate(p):
            f = F(k)
            if q[b] < f <= q[b + 1]:
                e = e + ((f - q[b]) * g[b]) * value
            elif q[b + 1] < f < q[b + 2]:
                e = e + ((q[b + 2] - f) * g[b + 1]) * value
        out[b] = log(e + F(1e-10))
    return out


# -------------------------------------------------------------------------------------------- 6. Features of a window

@dataclass
class Recipe:
    statistics: tuple = ()  # names
    bands: int = 0
    n: int = 64
    taper: str = "hann"
    rate: float = 1
    low: float = 0
    high: float = 0.5


def features(window, recipe):
    out = []
    for x in window:
        out += [globals()[name](x) for name in STATISTICS if name in recipe.statistics]
        if recipe.bands:
            q, g = mel_edges(recipe.n, recipe.rate, recipe.low, recipe.high, recipe.bands)
            out += list(mel(power(x, recipe.n, recipe.taper), q, g))
    return without_minus_zero(np.array(out, F))


def samples(readings, scale, offset, length, hop, recipe, frames, frame_hop):
    """Samples [T, F] of the readings of one recording."""
    found, last = [], None
    stretch = []
    for first, window in windows(readings, scale, offset, length, hop)[0]:
        if last is not None and first != last + hop:
            stretch = []
        last = first
        stretch.append(features(window, recipe))
        since = len(stretch) - frames
        if since >= 0 and since % frame_hop == 0:
            found.append(np.array(stretch[-frames:], F))
    return found


# -------------------------------------------------------------------------------------------- 7. Running standardisation

class Standardiser:
    def __init__(self, size):
        self.n, self.m, self.s = 0, np.zeros(size, F), np.zeros(size, F)

    @staticmethod
    def check(x):
        if not np.all((x >= -LARGEST_FEATURE) & (LARGEST_FEATURE >= x)):
            raise Refused("not finite, or too large")

    def add(self, x):
        self.check(x)
        if self.n == 2 ** 24:
            return
        self.n += 1
        d = x - self.m
        self.m = self.m + d / F(self.n)
        self.s = self.s + d * (x - self.m)

    def standardise(self, x):
        self.check(x)
        if self.n == 0:
            raise Refused("nothing was added")
        r = ONE / np.sqrt(self.s / F(self.n) + F(1e-5))
        return without_minus_zero((x - self.m) * r)
