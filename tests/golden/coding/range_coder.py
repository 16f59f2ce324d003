"""docs/codec.md, section 7: range."""

import numpy as np

from .levels import LEVELS, from_levels
from .updates import F, decoded_scale, groups, refuse_if


class RangeCoder:
    """What writer and reader share. A model is named by any value; None is a plain bit."""

    def __init__(self):
        self.low, self.high, self.models = 0, 0xFFFFFFFF, {}

    def split(self, model):
        return self.low + ((self.high - self.low) * self.models.get(model, 0x8000) >> 16)

    def take(self, model, mid, y):
        p = self.models.get(model, 0x8000)
        if y:
            self.high = mid
            p += (0xFFFF - p) >> 4
        else:
            self.low = mid + 1
            p -= p >> 4
        if model is not None:
            self.models[model] = p
        while self.low >> 24 == self.high >> 24:
            self.shift(self.low >> 24)
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = self.high << 8 & 0xFFFFFFFF | 0xFF
        return int(y)


class RangeWriter(RangeCoder):
    def __init__(self):
        super().__init__()
        self.data = bytearray()

    def bit(self, model, y):
        return self.take(model, self.split(model), y)

    def shift(self, byte):
        self.data.append(byte)

    def finish(self):
        return bytes(self.data) + (bytes([(self.low >> 24) + 1]) if self.low else b"")


class RangeReader(RangeCoder):
    """bit() and what is built on it take what a writer would write, and give what was read instead."""

    def __init__(self, data):
        super().__init__()
        self.data, self.shifted = data, 0

    def bit(self, model, _):
        window = int.from_bytes(self.data[self.shifted:self.shifted + 4].ljust(4, b"\0"), "big")
        mid = self.split(model)
        return self.take(model, mid, window <= mid)

    def shift(self, byte):
        self.shifted += 1

    def finish(self):
        refuse_if(len(self.data) != self.shifted + (self.low != 0), "length")


class LevelCoder:
    def __init__(self, codec, coder):
        self.coder, self.most = coder, LEVELS[codec.quantizer]
        self.longest = {127: 6, 7: 2, 1: 0}[self.most]
        self.before = [0, 0]                                            # whether the last levels were not 0

    def level(self, q=0):
        g, bit = abs(q), self.coder.bit
        if bit(("Z", sum(self.before)), q == 0):
            q = 0
        else:
            negative, e, magnitude = bit(None, q < 0), 0, 1
            while e < self.longest and bit(("U", e), g.bit_length() - 1 > e):
                e += 1
            for place in range(e - 1, -1, -1):
                magnitude = 2 * magnitude + bit(("F", e) if place == e - 1 else None, g >> place & 1)
            refuse_if(magnitude > self.most, "a level above the highest")
            q = -magnitude if negative else magnitude
        self.before = [self.before[1], int(q != 0)]
        return q


def encode_range(codec, coded):
    coder = RangeWriter()
    level_coder = LevelCoder(codec, coder)
    for scale, q in coded:
        for place in range(15, -1, -1):
            coder.bit(None, scale >> place & 1)
        if scale:
            for value in q.tolist():
                level_coder.level(value)
    return coder.finish()


def decode_range(codec, data, sizes, random):
    coder, numbers = RangeReader(data), [np.zeros(0, F)]
    level_coder = LevelCoder(codec, coder)
    for _, count in groups(codec, sizes):
        scale = 0
        for _ in range(16):
            scale = 2 * scale + coder.bit(None, 0)
        s = decoded_scale(scale)
        q = [level_coder.level() for _ in range(count)] if scale else [0] * count
        numbers.append(from_levels(q, s))
    coder.finish()
    return np.concatenate(numbers)


def code_survivors(codec, coder, n, found):
    """found: level by position; gives what was written or read."""
    level_coder, result, had = LevelCoder(codec, coder), {}, [0, 0]
    for first in range(0, n, 16):
        group = range(first, min(first + 16, n))
        has = coder.bit(("A", sum(had)), any(i in found for i in group))
        had = [had[1], has]
        here = 0
        for i in group if has else ():
            if here == 0 and i == group[-1]:
                survives = 1
            else:
                survives = coder.bit(("S", int(i - 1 in result) + 2 * here), i in found)
            if survives:
                here, q = 1, found.get(i, 0)
                if codec.quantizer == "ternary":
                    result[i] = -1 if coder.bit(None, q < 0) else 1
                else:
                    result[i] = level_coder.level(q)
    return result


def encode_topk_range(codec, found, n):
    coder = RangeWriter()
    code_survivors(codec, coder, n, found)
    return coder.finish()


def decode_topk_range(codec, data, n):
    coder = RangeReader(data)
    found = code_survivors(codec, coder, n, {})
    coder.finish()
    return found
