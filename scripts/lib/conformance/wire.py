"""Messages, authentication codes and topics: docs/protocol.md, sections 1 and 2. The fields are read from skink.proto.

    message = new("Task", run=5, round=0)            fields that are not named have their default
    data = serialize(message)
    parse("Task", data)                              or Malformed
    sealed(key, "task", device_id, data)             the bytes on the topic: message and code
    opened(key, "task", device_id, payload)          the message's bytes, or WrongCode
"""

import hashlib
import hmac
import pathlib
import re
import struct
from types import SimpleNamespace

PROTO = pathlib.Path(__file__).resolve().parents[3] / "common/wire/skink.proto"
PROTOCOL, ARITHMETIC, CODEC = 4, 2, 2                                   # docs/protocol.md, arithmetic.md, codec.md
CODE_BYTES = 16
CHUNK_BYTES, PATCH_PART_BYTES = 4096, 4084


class Malformed(Exception):
    """Bytes that are not a message of the kind."""


class WrongCode(Exception):
    """Another authentication code than the message must have, or none."""


# ------------------------------------------------------------------------------------- Protocol Buffers, version 3

def read_proto(text):
    """Messages: name -> {number: (field, type)}; enumerations: name -> {member: number}."""
    text = re.sub(r"//.*", "", text)
    blocks = re.findall(r"(message|enum) (\w+) \{(.*?)\}", text, re.S)
    messages = {name: {int(number): (field, type_) for type_, field, number in re.findall(r"(\w+) (\w+) = (\d+);", body)}
                for kind, name, body in blocks if kind == "message"}
    enums = {name: {member: int(number) for member, number in re.findall(r"(\w+) = (\d+);", body)}
             for kind, name, body in blocks if kind == "enum"}
    return messages, enums


MESSAGES, ENUMS = read_proto(PROTO.read_text())
DEFAULTS = {"string": "", "bytes": b"", "float": 0.0, "bool": False}
FIXED = {"fixed64": (1, "<Q"), "float": (5, "<f")}


def constants(enum):
    """{"VERSION_MISMATCH": 1, ...} of Refusal, and so on."""
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum).upper() + "_"
    return {member.removeprefix(prefix): number for member, number in ENUMS[enum].items()}


REFUSAL, OUTCOME, VERDICT, KIND, USE = (
    constants(name) for name in ("Refusal", "Outcome", "Verdict", "TaskKind", "ReleaseUse"))


def name_of(numbers, number):
    return next((name for name, value in numbers.items() if value == number), str(number))


def new(message_kind, /, **fields):
    message = SimpleNamespace(kind_of_message=message_kind)
    for name, type_ in MESSAGES[message_kind].values():
        setattr(message, name, None if type_ in MESSAGES else DEFAULTS.get(type_, 0))
    for name, value in fields.items():
        assert hasattr(message, name), f"{message_kind} has no {name}"
        setattr(message, name, value)
    return message


def varint(value):
    """Seven bits a byte, lowest first, the top bit set in all but the last."""
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def serialize(message):
    """Fields that have their default are left out; the others are written by ascending number."""
    data = b""
    for number, (name, type_) in sorted(MESSAGES[message.kind_of_message].items()):
        value = getattr(message, name)
        if value is None or (type_ not in MESSAGES and value == DEFAULTS.get(type_, 0)):
            continue
        if type_ in FIXED:
            wire_type, layout = FIXED[type_]
            data += varint(number << 3 | wire_type) + struct.pack(layout, value)
        elif type_ in MESSAGES or type_ in ("string", "bytes"):
            body = serialize(value) if type_ in MESSAGES else value.encode() if type_ == "string" else value
            data += varint(number << 3 | 2) + varint(len(body)) + body
        else:
            data += varint(number << 3) + varint(int(value))
    return data


def read_varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Malformed("cut off inside a number")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise Malformed("a number without an end")


def read_value(data, at, wire_type):
    if wire_type == 0:
        return read_varint(data, at)
    if wire_type == 2:
        size, at = read_varint(data, at)
    else:
        size = {1: 8, 5: 4}.get(wire_type)
        if size is None:
            raise Malformed(f"wire type {wire_type}")
    if size > len(data) - at:
        raise Malformed("cut off inside a field")
    return data[at:at + size], at + size


def converted(type_, wire_type, value):
    wanted = 2 if type_ in MESSAGES or type_ in ("string", "bytes") else FIXED.get(type_, (0,))[0]
    if wire_type != wanted:
        raise Malformed(f"wire type {wire_type} for {type_}")
    if type_ in MESSAGES:
        return parse(type_, value)
    if type_ in FIXED:
        return struct.unpack(FIXED[type_][1], value)[0]
    if type_ == "string":
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Malformed("a string that is not UTF-8") from error
    return value if type_ == "bytes" else bool(value) if type_ == "bool" else value


def parse(kind, data):
    """Unknown fields are skipped; of a field that comes more than once the last counts."""
    message, at = new(kind), 0
    while at < len(data):
        tag, at = read_varint(data, at)
        value, at = read_value(data, at, tag & 7)
        if tag >> 3 in MESSAGES[kind]:
            name, type_ = MESSAGES[kind][tag >> 3]
            setattr(message, name, converted(type_, tag & 7, value))
    return message


# --------------------------------------------------------------------------------------------------- Keys and codes

def device_key(master, fleet, device_id):
    """HKDF-SHA256 (RFC 5869); 32 bytes are one block of it."""
    extracted = hmac.digest(b"skink/1", master, hashlib.sha256)
    return hmac.digest(extracted, f"{fleet}/{device_id}".encode() + b"\x01", hashlib.sha256)


def code(key, kind, device_id, data):
    """`kind` is task, update, reply, state or release."""
    text = b"skink/1/" + kind.encode() + b"\0" + device_id.encode() + b"\0" + data
    return hmac.digest(key, text, hashlib.sha256)[:CODE_BYTES]


def sealed(key, kind, device_id, data):
    return data + code(key, kind, device_id, data)


def opened(key, kind, device_id, payload):
    data, tail = payload[:-CODE_BYTES], payload[-CODE_BYTES:]
    if len(payload) < CODE_BYTES or not hmac.compare_digest(tail, code(key, kind, device_id, data)):
        raise WrongCode(f"{kind} of {device_id}")
    return data


# ---------------------------------------------------------------------------------------------- Topics and contents

def root(fleet):
    return f"skink/1/{fleet}/"


def versions(**others):
    return new("Versions", **{"protocol": PROTOCOL, "arithmetic": ARITHMETIC, "codec": CODEC, **others})


def same_versions(message):
    return message is not None and serialize(message) == serialize(versions())


def prefix(digest):
    """The first 8 bytes of a hash, as a number: little-endian."""
    return int.from_bytes(digest[:8], "little")


def chunk_size(message):
    """Of the model's chunks, as a task or a release says it."""
    return message.model_chunk_bytes or CHUNK_BYTES


def is_chunk_size(size):
    return 256 <= size <= CHUNK_BYTES and size % 32 == 0


def model_chunks(file, size=CHUNK_BYTES):
    """What is published under model/<slot>/<k>."""
    return [file[-32:-24] + file[at:at + size] for at in range(0, len(file), size)]


def patch_parts(digest, chain, size=PATCH_PART_BYTES):
    """What is published under dev/<id>/patch for a chain that leads to the model `digest`."""
    return [digest[:8] + struct.pack("<I", at) + chain[at:at + size] for at in range(0, len(chain), size)]


def patch_chain(codec_name, first_round, patches, frozen=0):
    """docs/codec.md, section 9."""
    chain = bytes([len(codec_name)]) + codec_name.encode() + varint(frozen) + varint(first_round)
    return chain + b"".join(varint(len(patch)) + patch for patch in patches)


def triple(message):
    return message.run, message.round, message.attempt
