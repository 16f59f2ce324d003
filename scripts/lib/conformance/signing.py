"""Releases: docs/release.md. The manifest is made here; keys and signatures are those of the openssl program."""

import hashlib
import pathlib
import struct
import subprocess
import tempfile

MODEL, FIRMWARE = 1, 2
MANIFEST_BYTES, HEADER_BYTES = 80, 144


class WrongSignature(Exception):
    """Not a header that the key has signed."""


def manifest(number, content, kind=MODEL, name="conformance"):
    return struct.pack("<4sHHII32s32s", b"SKR\0", 1, kind, number, len(content), hashlib.sha256(content).digest(),
                       name.encode())


def read_manifest(header):
    """Kind, number, length and SHA-256 of the content."""
    _, _, kind, number, length, digest, _ = struct.unpack("<4sHHII32s32s", header[:MANIFEST_BYTES])
    return kind, number, length, digest


def integer(number):
    """DER."""
    data = number.to_bytes(33, "big").lstrip(b"\0") or b"\0"
    data = b"\0" + data if data[0] & 0x80 else data
    return bytes([2, len(data)]) + data


def halves_of(der):
    """r and s of a signature in DER, 32 bytes each."""
    at, halves = 2, b""
    for _ in range(2):
        length = der[at + 1]
        halves += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big")
        at += 2 + length
    return halves


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


class ReleaseKey:
    """release.key and release.pub of a folder of keys; made where they are absent."""

    def __init__(self, folder):
        self.private, self.public = pathlib.Path(folder) / "release.key", pathlib.Path(folder) / "release.pub"

    def make(self):
        if not self.private.exists():
            self.private.touch(mode=0o600)
            self.private.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        if not self.public.exists():
            self.public.write_bytes(openssl("pkey", "-in", self.private, "-pubout"))

    def header(self, number, content, **fields):
        """The first 144 bytes of a release."""
        data = manifest(number, content, **fields)
        return data + halves_of(openssl("dgst", "-sha256", "-sign", self.private, data=data))

    def check(self, header):
        """WrongSignature unless it is this key's."""
        r, s = (int.from_bytes(header[at:at + 32], "big") for at in (MANIFEST_BYTES, MANIFEST_BYTES + 32))
        body = integer(r) + integer(s)
        with tempfile.NamedTemporaryFile() as signature:
            signature.write(b"\x30" + bytes([len(body)]) + body)
            signature.flush()
            try:
                openssl("dgst", "-sha256", "-verify", self.public, "-signature", signature.name,
                        data=header[:MANIFEST_BYTES])
            except subprocess.CalledProcessError as error:
                raise WrongSignature from error
