"""Reference implementation of docs/codec.md, written from that page and docs/arithmetic.md alone.

    codec = parse("topk:0.05+ternary+ef")
    random = Random(bits, round, device)           bits.word: docs/arithmetic.md, section 4
    data = encode(codec, x, sizes, random)         x: the trainable parameters of a change; sizes: of their tensors
    decode(codec, data, sizes, random)             x', or Refused

The numbers in comments are sections of docs/codec.md. Every number is a numpy float32 (`F`) and every operation rounds
once; sums are chains in the order of the page.
"""

import re
from typing import NamedTuple

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


# ---------------------------------------------------------------------------------------------------------- 1. Names

class Codec(NamedTuple):
    quantizer: str
    bits: int                                                           # eden
    ppm: int                                                            # topk; 0: all numbers
    block: bool
    nearest: bool
    range: bool
    ef: bool


NAME = re.compile(r"(?:topk:(1|0\.[0-9]{0,5}[1-9])\+)?(float32|int8|int4|ternary|sign|eden)(?::([1-4]))?"
                  r"(:block)?(:nearest)?(\+range)?(\+ef)?")


def parse(name):
    match = NAME.fullmatch(name)
    refuse_if(not match or len(name.encode()) > 39, "no name of a codec")
    fraction, quantizer, bits, block, nearest, range_, ef = match.groups()
    levels = quantizer in LEVELS
    refuse_if((quantizer == "eden") != bool(bits), "eden has bits, the others have none")
    refuse_if(block and not (levels or quantizer == "sign"), "no :block here")
    refuse_if(nearest and not levels, "no :nearest here")
    refuse_if(range_ and not levels, "no range here")
    refuse_if(fraction and not (levels or quantizer == "float32"), "no topk here")
    refuse_if(fraction and block, "topk has one scale")
    refuse_if(fraction and quantizer == "ternary" and nearest, "ternary behind topk is not rounded")
    refuse_if(ef and quantizer == "float32" and not fraction, "float32 leaves nothing")
    ppm = 0 if not fraction else 1000000 if fraction == "1" else int(fraction[2:].ljust(6, "0"))
    return Codec(quantizer, int(bits or 0), ppm, bool(block), bool(nearest), bool(range_), bool(ef))


# ------------------------------------------------------------------------------------------------ 2. What is encoded

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


# ---------------------------------------------------------------------------------------------------------- 3. Levels

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


# ------------------------------------------------------------------------------------------------- 4. Dense encodings

def pieces(count):
    """(first, count) of each."""
    return [(first, min(BLOCK, count - first)) for first in range(0, count, BLOCK)]


def code_width(codec):
    return {"int8": 8, "int4": 4, "sign": 1, "eden": codec.bits}[codec.quantizer]


def piece_bytes(codec, count):
    return -(-count // 5) if codec.quantizer == "ternary" else -(-count * code_width(codec) // 8)


def write_piece(codec, codes):
    if codec.quantizer == "ternary":
        digits = [int(q) + 1 for q in codes]
        return bytes(sum(d * 3 ** i for i, d in enumerate(digits[at:at + 5])) for at in range(0, len(digits), 5))
    return pack_codes(codes, code_width(codec))


def signed(code, width):
    """Two's complement without the lowest value."""
    refuse_if(code == 1 << width - 1, "a level below the lowest")
    return code - (code >> width - 1 << width)


def read_piece(codec, data, count):
    if codec.quantizer == "ternary":
        refuse_if(any(byte > 242 for byte in data), "no five levels")
        digits = [byte // 3 ** i % 3 for byte in data for i in range(5)]
        refuse_if(any(digits[count:]), "levels behind the end")
        return np.array(digits[:count]) - 1
    reader, width = BitReader(data), code_width(codec)
    codes = [reader.value(width) for _ in range(count)]
    reader.finish()
    return np.array([signed(code, width) for code in codes] if codec.quantizer in LEVELS else codes)


def group_codes(codec, x, first, random):
    """The scale and the codes of a group."""
    if codec.quantizer == "sign":
        scale, codes = nearest(mean_magnitude(x)), (x < ZERO).astype(np.int64)
    elif codec.quantizer == "eden":
        scale, codes = eden(codec, x, first, random)
    else:
        scale = level_scale(codec, x)
        codes = levels(codec, x, scale, random.v(first, len(x)))
    return scale, codes if scale else np.zeros_like(codes)


def group_numbers(codec, codes, s, first, random):
    if s == ZERO:
        return np.zeros(len(codes), F)
    if codec.quantizer == "eden":
        return decode_eden(codec, codes, s, first, random)
    if codec.quantizer == "sign":
        return np.where(codes == 1, ZERO - s, s)
    return from_levels(codes, s)


def encode_dense(codec, x, sizes, random):
    if codec.quantizer == "float32":
        return (x + ZERO).astype("<f4").tobytes()
    coded = [group_codes(codec, x[first:first + count], first, random) for first, count in groups(codec, sizes)]
    plain = b"".join(scale.to_bytes(2, "little") +
                     b"".join(write_piece(codec, codes[at:at + part]) for at, part in pieces(len(codes)))
                     for scale, codes in coded)
    if not codec.range:
        return plain
    short = encode_range(codec, coded)
    return b"\1" + short if len(short) < len(plain) else b"\0" + plain


def plain_bytes(codec, sizes):
    return sum(2 + sum(piece_bytes(codec, part) for _, part in pieces(count)) for _, count in groups(codec, sizes))


def decode_dense(codec, data, sizes, random):
    if codec.quantizer == "float32":
        refuse_if(len(data) != 4 * sum(sizes), "length")
        return np.frombuffer(data, "<f4").astype(F)
    if codec.range:
        refuse_if(not data or data[0] > 1, "neither plain nor coded")
        coded, data = data[0] == 1, data[1:]
        if coded:
            refuse_if(len(data) > plain_bytes(codec, sizes), "longer than plain")
            return decode_range(codec, data, sizes, random)
    refuse_if(len(data) != plain_bytes(codec, sizes), "length")
    numbers, place = [np.zeros(0, F)], 0
    for first, count in groups(codec, sizes):
        s = decoded_scale(int.from_bytes(data[place:place + 2], "little"))
        place += 2
        codes = []
        for _, part in pieces(count):
            end = place + piece_bytes(codec, part)
            codes.append(read_piece(codec, data[place:end], part))
            place = end
        numbers.append(group_numbers(codec, np.concatenate(codes), s, first, random))
    return np.concatenate(numbers)


# ------------------------------------------------------------------------------------------------------------ 5. eden

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


# ------------------------------------------------------------------------------------------------------------ 6. topk

RANGE, BITMAP = 0xFE, 0xFF
VALUE_WIDTH = {"float32": 32, "int8": 8, "int4": 4, "ternary": 1}


def survivor_count(codec, n):
    return max(1, (n * codec.ppm + 500000) // 1000000)


def survivors(codec, x):
    key = bits_of(x) >> 15 & 0xFFFF
    best = np.argsort(-key, kind="stable")[:survivor_count(codec, len(x))]
    return np.sort(best[key[best] >= 0x100])


def written_count(m):
    seven = [m >> 7 * i & 0x7F for i in range(max(1, -(-m.bit_length() // 7)))]
    return bytes(part | 0x80 for part in seven[:-1]) + bytes(seven[-1:])


def read_count(data):
    """The number, and the bytes behind it."""
    m = 0
    for i, byte in enumerate(data[:5]):
        m |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            refuse_if(i > 0 and byte == 0, "a number that could be shorter")
            return m, data[i + 1:]
    raise Refused("a number without end")


def rice_parameter(m, n):
    b = 0
    while (m << b + 1) * 1000 <= 962 * n:
        b += 1
    return b


def low_first(value, width):
    return [value >> i & 1 for i in range(width)]


def rice(positions, values, width, b):
    bits, before = [], -1
    for position, value in zip(positions, values):
        g, before = position - before - 1, position
        bits += [1] * (g >> b) + [0] + low_first(g, b) + low_first(value, width)
    return pack(bits)


def bitmap(positions, values, width, n):
    value_at, bits = dict(zip(positions, values)), []
    for i in range(n):
        bits += [1] + low_first(value_at[i], width) if i in value_at else [0]
    return pack(bits)


def read_rice(data, m, n, width, b):
    reader, position, found = BitReader(data), -1, {}
    for _ in range(m):
        g = 0
        while reader.value(1):
            g += 1
        position += (g << b) + reader.value(b) + 1
        refuse_if(position >= n, "a survivor behind the end")
        found[position] = reader.value(width)
    reader.finish()
    return found


def read_bitmap(data, m, n, width):
    reader, found = BitReader(data), {}
    for i in range(n):
        if reader.value(1):
            found[i] = reader.value(width)
    reader.finish()
    refuse_if(len(found) != m, "another number of survivors")
    return found


def encode_topk(codec, x, random):
    n, at = len(x), survivors(codec, x)
    if len(at) == 0:
        return bytes([0, 0])
    chosen, scale = x[at], b""
    if codec.quantizer == "float32":
        values = bits_of(chosen)
    else:
        if codec.quantizer == "ternary":
            code, q = nearest(mean_magnitude(chosen)), np.where(chosen < ZERO, -1, 1)
            values = q < 0
        else:
            code = level_scale(codec, x)                                # of all numbers
            values = q = levels(codec, chosen, code, random.v(0, len(at)))
        scale = code.to_bytes(2, "little")
    positions, values = at.tolist(), [int(value) for value in values]
    b, width = rice_parameter(len(at), n), VALUE_WIDTH[codec.quantizer]
    bodies = [(b, rice(positions, values, width, b)), (BITMAP, bitmap(positions, values, width, n))]
    if codec.range:
        bodies.append((RANGE, encode_topk_range(codec, dict(zip(positions, q.tolist())), n)))
    mode, body = min(bodies, key=lambda body: len(body[1]))             # the first of the shortest
    return bytes([mode]) + written_count(len(at)) + scale + body


def longest_topk(codec, n):
    k, width = survivor_count(codec, n), VALUE_WIDTH[codec.quantizer]
    b = rice_parameter(k, n)
    return 10 + (min(k * (b + 1) + (n >> b), n) + k * width + 7) // 8


def decode_topk(codec, data, n):
    refuse_if(not data, "truncated")
    refuse_if(len(data) > longest_topk(codec, n), "length")
    mode = data[0]
    refuse_if(mode > 30 and mode != BITMAP and not (codec.range and mode == RANGE), "unknown mode")
    m, data = read_count(data[1:])
    refuse_if(m > survivor_count(codec, n), "too many survivors")
    if m == 0:
        refuse_if(mode != 0 or data, "something of nothing")
        return np.zeros(n, F)
    s = ONE
    if codec.quantizer != "float32":
        refuse_if(len(data) < 2, "truncated")
        s, data = decoded_scale(int.from_bytes(data[:2], "little")), data[2:]
    width = VALUE_WIDTH[codec.quantizer]
    if mode == RANGE:
        found = decode_topk_range(codec, data, n)
        refuse_if(len(found) != m, "another number of survivors")
    else:
        found = read_bitmap(data, m, n, width) if mode == BITMAP else read_rice(data, m, n, width, mode)
        if codec.quantizer == "ternary":
            found = {i: -1 if value else 1 for i, value in found.items()}
        elif codec.quantizer != "float32":
            found = {i: signed(value, width) for i, value in found.items()}
    x = np.zeros(n, F)
    if codec.quantizer == "float32":
        x[list(found)] = np.array(list(found.values()), np.uint32).view(F)
    elif s != ZERO:
        x[list(found)] = from_levels(list(found.values()), s)
    return x


# ----------------------------------------------------------------------------------------------------------- 7. range

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


# ----------------------------------------------------------------------------------------------------- The whole codec

def encode(codec, x, sizes, random):
    assert x.dtype == F and len(x) == sum(sizes) and np.all(np.isfinite(x))
    return encode_topk(codec, x, random) if codec.ppm else encode_dense(codec, x, sizes, random)


def decode(codec, data, sizes, random):
    x = decode_topk(codec, data, sum(sizes)) if codec.ppm else decode_dense(codec, data, sizes, random)
    assert x.dtype == F and len(x) == sum(sizes)
    return x
