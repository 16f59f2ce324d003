"""Reference implementation of docs/codec.md, written from that page and docs/arithmetic.md alone. Its sections are in coding/,
a file for each.

    codec = parse("topk:0.05+ternary+ef")
    random = Random(bits, round, device)           bits.word: docs/arithmetic.md, section 4
    data = encode(codec, x, sizes, random)         x: the trainable parameters of a change; sizes: of their tensors
    decode(codec, data, sizes, random)             x', or Refused

Every number is a numpy float32 (`F`) and every operation rounds once; sums are chains in the order of the page.
"""

import numpy as np

from coding.codec_names import parse
from coding.dense import decode_dense, encode_dense, group_codes
from coding.levels import LEVELS
from coding.range_coder import encode_range, encode_topk_range
from coding.topk import VALUE_WIDTH, bitmap, decode_topk, encode_topk, rice, survivor_count, written_count
from coding.updates import ZERO, F, Random, Refused, bits_of, groups

# What codec_test.py, vectors and the conformance programs take from here.
__all__ = ["LEVELS", "VALUE_WIDTH", "ZERO", "F", "Random", "Refused", "bitmap", "bits_of", "decode", "encode", "encode_dense",
           "encode_range", "encode_topk_range", "group_codes", "groups", "parse", "rice", "survivor_count", "written_count"]


def encode(codec, x, sizes, random):
    assert x.dtype == F and len(x) == sum(sizes) and np.all(np.isfinite(x))
    return encode_topk(codec, x, random) if codec.ppm else encode_dense(codec, x, sizes, random)


def decode(codec, data, sizes, random):
    x = decode_topk(codec, data, sum(sizes)) if codec.ppm else decode_dense(codec, data, sizes, random)
    assert x.dtype == F and len(x) == sum(sizes)
    return x
