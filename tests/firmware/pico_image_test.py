#!/usr/bin/env python3
"""The images of pico and pico2, as far as they can be judged without the chip: what its boot ROM asks for, where everything is,
which floating point it computes with, what runs while the flash cannot be read, and the UF2 files. pico_run_test.sh runs them."""

import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
MAKE_UF2 = ROOT / "scripts/make-uf2"
FLASH, IDENTITY, RAM = 0x10000000, 0x1007F000, 0x20000000
RAM_BYTES = {"pico": 264 << 10, "pico2": 520 << 10}
VECTORS = {"pico": (0x10000100, 26), "pico2": (0x10000000, 52)}  # where they begin, how many external ones
FAMILIES = {"pico": 0xE48BFF56, "pico2": 0xE48BFF59}
ABSOLUTE = 0xE48BFF57
PINS = {"pico": 13, "pico2": 21}  # the interrupt of the pins; that of the alarm is 0
NUMBERS = {"pico": ("fadd", "fmul", "fdiv", "dadd", "dmul", "ddiv"), "pico2": ("dadd", "dmul", "ddiv")}
failures = []


def check(is_right, what):
    if not is_right:
        failures.append(what)
        print(f"FAILED: {what}")


def tool(name, *arguments):
    return subprocess.run([f"arm-none-eabi-{name}", *arguments], text=True, capture_output=True, check=True).stdout


class Image:
    def __init__(self, board, path):
        self.board, self.path, self.name = board, path, f"{board}/{path.name}"
        self.content = path.read_bytes()
        offset, size, count = self.number(28), self.half(42), self.half(44)
        headers = [struct.unpack_from("<8I", self.content, offset + i * size) for i in range(count)]
        self.segments = [(h[3], h[2], self.content[h[1]:h[1] + h[4]], h[5]) for h in headers if h[0] == 1]
        self.symbols = {}
        for line in tool("nm", path).splitlines():
            *address, _, name = line.split()
            self.symbols[name] = int(address[0], 16) if address else None

    def number(self, at):
        return struct.unpack_from("<I", self.content, at)[0]

    def half(self, at):
        return struct.unpack_from("<H", self.content, at)[0]

    def at(self, address, count):
        for physical, _, stored, _ in self.segments:
            if physical <= address and address + count <= physical + len(stored):
                return stored[address - physical:address - physical + count]
        return b""


def crc32(content):
    """As the RP2040's ROM computes it: neither reflected nor inverted at the end."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def check_places(image):
    end = RAM + RAM_BYTES[image.board]
    for physical, virtual, stored, memory in image.segments:
        if stored:
            check(FLASH <= physical and physical + len(stored) <= IDENTITY,
                  f"{image.name}: {len(stored)} bytes at {physical:#x} are not before the identity")
        is_code = virtual == physical and virtual + memory <= IDENTITY
        check(is_code or RAM <= virtual and virtual + memory <= end, f"{image.name}: {memory} bytes at {virtual:#x} are nowhere")
    check(any(segment[0] == FLASH for segment in image.segments), f"{image.name}: nothing at the begin of the flash")
    check(image.symbols["skink_arena_end"] == end, f"{image.name}: the arena does not end with the RAM")


def check_vectors(image):
    begin, external = VECTORS[image.board]
    check(image.symbols["skink_vectors_begin"] == begin and begin % 256 == 0, f"{image.name}: its vectors are not at {begin:#x}")
    table = struct.unpack(f"<{16 + external}I", image.at(begin, 4 * (16 + external)))
    check(table[0] == image.symbols["skink_stack_end"] and table[0] % 8 == 0, f"{image.name}: its stack pointer")
    check(table[1] == image.symbols["Reset_Handler"] | 1, f"{image.name}: its reset vector")
    for number, handler in enumerate(table[1:], 1):
        check(handler == 0 and number < 15 or handler & 1 and FLASH < handler < IDENTITY, f"{image.name}: vector {number}: {handler:#x}")
    check(table[16] == image.symbols["Alarm_Handler"] | 1, f"{image.name}: the vector of the alarm")
    check(table[16 + PINS[image.board]] == image.symbols["Pins_Handler"] | 1, f"{image.name}: the vector of the pins")


def boots(boot2):
    return len(boot2) == 256 and crc32(boot2[:252]) == struct.unpack("<I", boot2[252:])[0]


def check_boot(image):
    """RP2040 Datasheet 2.8.1.3: 252 bytes and their CRC. RP2350 Datasheet 5.9.1: a block in the first 4 KB."""
    if image.board == "pico":
        boot2 = image.at(FLASH, 256)
        check(boots(boot2), f"{image.name}: boot2 has another checksum")
        check(not boots(boot2[:7] + bytes([boot2[7] ^ 1]) + boot2[8:]), "the test takes a damaged boot2")
        return
    words = struct.unpack("<1024I", image.at(FLASH, 4096))
    begin = words.index(0xFFFFDED3)
    # Executable, secure, Arm, RP2350; the last item, which counts one word; itself the next block.
    check(words[begin + 1:begin + 5] == (0x10210142, 0x000001FF, 0, 0xAB123579),
          f"{image.name}: its image definition: {[hex(word) for word in words[begin:begin + 5]]}")


def check_numbers(image):
    """The floating point is libgcc's, which keeps denormals, and no other is in the image."""
    text = image.path.with_suffix(".map").read_text()
    foreign = [name for name in image.symbols if re.match(r"__wrap_|(sf|sd|mufp|qfp)_|rom_.*(float|double)", name)]
    check(not foreign, f"{image.name}: floating point that is not libgcc's: {foreign}")
    found = 0
    for name in NUMBERS[image.board]:
        address = image.symbols.get(f"__aeabi_{name}")
        if address is None:
            continue
        found += 1
        place = re.search(rf"^ {{16,}}0x0*{address & ~1:x} +__aeabi_{name}$", text, re.M)
        before = text[:place.start()] if place else ""
        section = re.findall(r"^ \.text\S*(?:\s+0x[0-9a-f]+){2}\s+(\S+)$", before, re.M)[-1:]
        check(section and "libgcc.a(" in section[0], f"{image.name}: __aeabi_{name} is from {section}")
    return found


def check_ram_code(image):
    """What writes flash calls nothing that stands in it, but where it gives up before it has begun."""
    listing = tool("objdump", "-d", "-j", ".data", "--no-show-raw-insn", image.path)
    functions = dict(re.findall(r"^([0-9a-f]{8}) <(\S+)>:", listing, re.M))
    calls = re.findall(r"\bblx?\t([0-9a-f]+) <([^>+]+)", listing)
    for address, name in calls:
        is_in_ram = RAM <= int(address, 16) < image.symbols["skink_data_end"]
        check(is_in_ram and (not name.endswith("_veneer") or name == "__hard_assertion_failure_veneer"),
              f"{image.name}: {name} at {address} is called while the flash cannot be read")
    for name in ("flash_range_erase", "flash_range_program"):
        check(name in functions.values(), f"{image.name}: {name} is not in RAM")
    return len(calls)


def blocks_of(content, name):
    for at in range(0, len(content), 512):
        first, second, flags, address, size, number, count, family = struct.unpack_from("<8I", content, at)
        check((first, second, flags, size) == (0x0A324655, 0x9E5D5157, 0x2000, 256) and
              struct.unpack_from("<I", content, at + 508)[0] == 0x0AB16F30, f"{name}: block {at // 512} is none")
        yield address, number, count, family, content[at + 32:at + 288]


def check_uf2(image, path, more=()):
    blocks = list(blocks_of(path.read_bytes(), path.name))
    if image.board == "pico2":
        check(blocks[0][:4] == (0x10FFFF00, 0, 2, ABSOLUTE), f"{path.name}: the block of RP2350-E10")
        del blocks[0]
    check([block[1:4] for block in blocks] == [(i, len(blocks), FAMILIES[image.board]) for i in range(len(blocks))],
          f"{path.name}: numbers or family")
    flash = {}
    for address, *_, content in blocks:
        check(address % 256 == 0 and address not in flash, f"{path.name}: a page at {address:#x}")
        flash[address] = content
    for sector in {address // 4096 for address in flash}:
        check(all(page in flash for page in range(sector * 4096, sector * 4096 + 4096, 256)), f"{path.name}: half a sector")
    for physical, content in [(segment[0], segment[2]) for segment in image.segments if segment[2]] + list(more):
        found = b"".join(flash.get(page, b"") for page in range(physical // 256 * 256, physical + len(content), 256))
        check(found[physical % 256:physical % 256 + len(content)] == content, f"{path.name}: {len(content)} bytes at {physical:#x}")
    return len(blocks)


def check_refusals(image, folder):
    """What cannot be right is refused, and nothing is written."""
    chip = {"pico": "rp2040", "pico2": "rp2350"}[image.board]
    identity, out = folder / "identity.bin", folder / "out.uf2"
    identity.write_bytes(bytes(range(256)) * 16)

    def make(*arguments):
        return subprocess.run([MAKE_UF2, "--family", chip, "--out", out, *arguments], text=True, capture_output=True)

    for arguments, why in (([identity], "no ELF file"), ([image.path, f"{identity}@0x10000000"], "share the sector"),
                           ([image.path, f"{identity}@0x1007f010"], "multiple of 4096"), ([image.path, f"{identity}@0x20000000"], "not in the flash"),
                           ([image.path, f"{folder}/none@0x1007f000"], "No such file"), ([image.path, "identity"], "not FILE@ADDRESS")):
        made = make(*arguments)
        check(made.returncode == 2 and why in made.stderr and not out.exists(), f"make-uf2 {arguments}: {made}")
    made = make(image.path, f"{identity}@{IDENTITY:#x}")
    check(made.returncode == 0, f"make-uf2 with an identity: {made.stderr}")
    check_uf2(image, out, [(IDENTITY, identity.read_bytes())])


def main():
    looked = 0
    for board in RAM_BYTES:
        build = ROOT / f"build/firmware-{board}"
        for name in ("skink-selftest", "skink-client"):
            path = build / f"{name}.elf"
            if not path.exists():
                print(f"SKIPPED: firmware for {board}: {path.relative_to(ROOT)} was not built (scripts/fetch-firmware-deps --pico)")
                continue
            image, looked = Image(board, path), looked + 1
            check_places(image)
            check_vectors(image)
            check_boot(image)
            numbers = check_numbers(image)
            check(board == "pico2" or numbers >= 3, f"{image.name}: does the test still find its arithmetic?")
            calls = check_ram_code(image) if name == "skink-client" else 0
            check(name != "skink-client" or calls > 5, f"{image.name}: does the test still find the code in RAM?")
            pages = check_uf2(image, path.with_suffix(".uf2"))
            print(f"{image.name}: {pages * 256 // 1024} KB of flash, {numbers} functions of arithmetic from libgcc, {calls} calls in RAM")
            with tempfile.TemporaryDirectory() as folder:
                check_refusals(image, Path(folder))
    sys.exit(1 if failures else 0)


main()
