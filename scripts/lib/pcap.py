"""Reads a capture of whole packets: the classic format, Ethernet, IPv4."""

import struct
from pathlib import Path


class Unusable(Exception):
    """The capture does not allow the count."""


def read_ip(path):
    """Yields (Unix time in seconds, IPv4 packet with what follows it in a short frame), in the order of the capture."""
    content = Path(path).read_bytes()
    if content[:4] != b"\xd4\xc3\xb2\xa1" or struct.unpack("<I", content[20:24])[0] != 1:
        raise Unusable(f"{path} is not a capture of Ethernet frames in the classic format")
    at = 24
    while at + 16 <= len(content):
        seconds, microseconds, captured, length = struct.unpack("<IIII", content[at:at + 16])
        frame = content[at + 16:at + 16 + captured]
        at += 16 + captured
        if captured != length:
            raise Unusable("packets were cut off: capture with -s 0")
        if frame[12:14] == b"\x08\x00":
            yield seconds + microseconds / 1e6, frame[14:]
