"""docs/codec.md, section 2: what is encoded. Bits and bytes, scales, groups of numbers, random words."""

import numpy as np

np.seterr(all="ignore")
F = np.float32
ZERO, ONE = F(0), F(1)
SMALLEST_NORMAL = F(2.0 ** -126)
BLOCK = 256
QUANTIZER, ROTATION = 7, 8


class Refused(Exception):
    """No codec's name, or bytes that no encoder writes."""


def refuse_if(condition, reason):
    if condition:
        raise Refused(reason)


def bits_of(x):
    return np.asarray(x, F).view(np.uint32).astype(np.int64)


def pack(bits):
    return np.packbits(np.asarray(bits, np.uint8), bitorder="little").tobytes()


def pack_codes(codes, width):
    return pack((np.asarray(codes, np.int64)[:, None] >> np.arange(width) & 1).ravel())


class BitReader:
    def __init__(self, data):
        self.bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").tolist()
        self.place = 0

    def value(self, width):
        begin, self.place = self.place, self.place + width
        refuse_if(self.place > len(self.bits), "truncated")
        return sum(bit << i for i, bit in enumerate(self.bits[begin:self.place]))

    def finish(self):
        refuse_if(len(self.bits) - self.place >= 8, "bytes behind the end")
        refuse_if(any(self.bits[self.place:]), "bits behind the end")


def scale16(x, offset):
    """offset(bits) makes the shift round."""
    bits = int(bits_of(x))
    return 0 if x < SMALLEST_NORMAL else min(bits + offset(bits) >> 15, 0xFEFF)


def rounded_up(x):
    return scale16(x, lambda bits: 0x7FFF)


def nearest(x):
    return scale16(x, lambda bits: 0x3FFF + (bits >> 15 & 1))


def decoded_scale(code):
    refuse_if(0 < code < 0x100 or code >= 0xFF00, "no scale")
    return np.array(code << 15, np.uint32).view(F)[()]


def chain(terms):
    """0, then `+=` each term."""
    total = ZERO
    for term in terms:
        total = total + term
    return total


def mean_magnitude(x):
    return (chain(np.abs(x) * F(2.0 ** -24)) / F(len(x))) * F(2.0 ** 24)


def groups(codec, sizes):
    """(first, count) of each."""
    if codec.block or codec.quantizer == "eden":
        n = sum(sizes)
        return [(first, min(BLOCK, n - first)) for first in range(0, n, BLOCK)]
    return [(sum(sizes[:i]), size) for i, size in enumerate(sizes)]


class Random:
    """The random words of one update."""

    def __init__(self, bits, t, k):
        self.word = lambda purpose, e: bits.word(purpose, t, k, e)

    def v(self, first, count):
        h = [self.word(QUANTIZER, j // 2) >> 16 * (j % 2) & 0xFFFF for j in range(first, first + count)]
        return F(128) + np.array(h, F) * F(2.0 ** -16)  # exact

    def signs(self, first, count, base=0):
        return np.array([self.word(ROTATION, base + e // 32) >> e % 32 & 1 for e in range(first, first + count)], bool)
