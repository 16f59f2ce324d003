"""docs/codec.md, section 4: dense encodings."""

import numpy as np

from .eden import decode_eden, eden
from .levels import LEVELS, from_levels, level_scale, levels
from .range_coder import decode_range, encode_range
from .updates import (BLOCK, ZERO, BitReader, F, decoded_scale, groups, mean_magnitude, nearest, pack_codes,
                      refuse_if)


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
