"""docs/codec.md, section 1: names."""

import re
from typing import NamedTuple

from .levels import LEVELS
from .updates import refuse_if


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
    refuse_if(fraction and quantizer == "ternary" and nearest, "ternary after topk is not rounded")
    refuse_if(ef and quantizer == "float32" and not fraction, "float32 leaves nothing")
    ppm = 0 if not fraction else 1000000 if fraction == "1" else int(fraction[2:].ljust(6, "0"))
    return Codec(quantizer, int(bits or 0), ppm, bool(block), bool(nearest), bool(range_), bool(ef))
