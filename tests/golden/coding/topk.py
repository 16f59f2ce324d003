"""docs/codec.md, section 6: topk."""

import numpy as np

from .dense import signed
from .levels import from_levels, level_scale, levels
from .range_coder import decode_topk_range, encode_topk_range
from .updates import ONE, ZERO, BitReader, F, Refused, bits_of, decoded_scale, mean_magnitude, nearest, pack, refuse_if

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
