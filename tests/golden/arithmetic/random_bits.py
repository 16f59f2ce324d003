"""docs/arithmetic.md, sections 4 and 5: random bits, and a permutation without memory."""

import functools

from .floats import F


# ------------------------------------------------------------------------------------------------- 4. Random bits

INITIALIZATION, COHORT, HELD_OUT, TASK, SAMPLE, ORDER = 1, 2, 3, 4, 5, 6
PARTITION = 13
EVALUATION = 5                                                          # TASK, SAMPLE, ORDER + 5: of an evaluation
U32 = 0xFFFFFFFF


@functools.lru_cache(maxsize=4096)
def philox(counter, seed):
    c0, c1, c2, c3 = counter
    k0, k1 = seed & U32, seed >> 32 & U32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & U32, p0 >> 32 ^ c3 ^ k1, p0 & U32
        k0, k1 = (k0 + 0x9E3779B9) & U32, (k1 + 0xBB67AE85) & U32
    return c0, c1, c2, c3


class Bits:
    """Random bits of one seed."""

    def __init__(self, seed):
        self.seed = seed

    def block(self, purpose, round_, device, b):
        return philox((b, purpose, round_, device), self.seed)

    def word(self, purpose, round_, device, e):
        return self.block(purpose, round_, device, e // 4)[e % 4]


def uniform(word):
    return F(word >> 8) * F(2.0 ** -24)


def between(word, low, high):
    return low + (high - low) * uniform(word)


# ------------------------------------------------------------------------------- 5. Permutation without memory

def permute(i, n, K):
    b = 1
    while 2 ** b < n:
        b += 1
    mask, s = 2 ** b - 1, max(1, b // 2)
    x = i
    while True:
        for r in range(4):
            x = (x + K[r]) & mask
            x = x ^ (x >> s)
            x = (x * ((K[(r + 1) % 4] >> 16) | 1)) & mask
            x = x ^ (x >> s)
            x = (x * (((K[(r + 2) % 4] >> 8) & 0xFFFF) | 1)) & mask
        if x < n:
            return x
