#!/usr/bin/env python3
"""The disassembly of skink-client.elf, and of skink-words.elf, which has the features too, for the Cortex-M4F. Nowhere a fused multiply-add (VFMA, VFMS, VFNMA, VFNMS): it rounds
once where docs/arithmetic.md says twice. No VMLA, VMLS, VNMLA, VNMLS in the numeric sources: the same bits, but three cycles
where VMUL and VADD take two. The images of other processors are read for fused ones alone. Numeric is every source that the linker's map names for code with floating-point arithmetic;
the exceptions stand below."""

import bisect
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "scripts/lib"))
from cortex_m4 import CHAINED, FUSED, disassemble  # noqa: E402

KERNELS = "training.cpp"  # holds the kernels and, inlined or as templates, the functions of elementary.cpp
BUILD = ROOT / "build/firmware-mps2-an386"
IMAGES = ((BUILD / "skink-client.elf", [KERNELS]),
          (BUILD / "skink-words.elf", [KERNELS, "spectrum.cpp", "mel_bands.cpp", "window_statistics.cpp", "frames.cpp"]))
OTHERS = [ROOT / f"build/firmware-{image}.elf" for image in (
    "mps2-an500/skink-client", "mps2-an505/skink-client", "netduinoplus2/skink-selftest", "microbit/skink-selftest",
    "pico/skink-client", "pico2/skink-client")]
EXCEPTIONS = {  # built for size
    "compact.cpp": "layers whose time is small beside dense and convolution layers",
    "canary.cpp": "two probes of how the board rounds",
    "prediction.cpp": "scale and offset of the inputs, once a prediction",
    "synthetic_microphone.cpp": "readings that are made up",
    "task_memory.cpp": "scale and offset of the inputs, once a sample",
}


def end(code, *lines):
    print(*lines, sep="\n")
    sys.exit(code)


def check_the_check():
    """The patterns find each of the eight instructions, and nothing else."""
    fused, chained = (["vfma", "vfms", "vfnma", "vfnms"], ["vmla", "vmls", "vnmla", "vnmls"])
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "probe.s"), Path(folder, "probe.o")
        probes = [*fused, *chained, "vmul", "vadd", "vnmul"]
        source.write_text(".syntax unified\n.thumb\n" + "".join(f"{name}.f32 s0, s1, s2\n" for name in probes))
        subprocess.run(["arm-none-eabi-as", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", source, "-o", binary], check=True)
        names = [instruction.name for instruction in disassemble(binary).values()]
    if [n for n in names if FUSED.match(n)] != [f"{n}.f32" for n in fused]:
        end(1, f"FAILED: of {names} the test does not find the fused ones")
    if [n for n in names if CHAINED.match(n)] != [f"{n}.f32" for n in chained]:
        end(1, f"FAILED: of {names} the test does not find the chained ones")


class Sources:
    """Which source a piece of code came from, by the linker's map."""

    def __init__(self, text):
        text = re.sub(r"\n {16,}0x", " 0x", text[text.index("Linker script and memory map"):])
        pieces = re.findall(r"^ \.text\S*\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)", text, re.M)
        self.pieces = sorted((int(begin, 16), int(size, 16), path) for begin, size, path in pieces if int(size, 16))
        self.begins = [piece[0] for piece in self.pieces]

    def of(self, address):
        begin, size, path = self.pieces[bisect.bisect(self.begins, address) - 1]
        return re.sub(r".*[/(]|\.obj\)?$|\.o\)?$", "", path) if begin <= address < begin + size else "(no section)"


def look(image, arithmetic):
    """Counts the arithmetic of an image by source. @returns what is wrong in it."""
    sources, wrong = Sources(image.with_suffix(".map").read_text()), []
    for instruction in disassemble(image).values():
        if instruction.kind not in ("float", "VMLA", "VDIV"):
            continue
        source = sources.of(instruction.address)
        arithmetic[source] += 1
        is_chained = CHAINED.match(instruction.name) and source not in EXCEPTIONS
        if FUSED.match(instruction.name) or is_chained:
            text = f"{instruction.name} {instruction.operands}"
            wrong.append(f"{image.name}, {source}: {instruction.address:x} {text} in {instruction.function}")
    return wrong


def look_for_fused(image):
    """@returns the fused ones of an image of any Cortex-M."""
    arithmetic = [instruction for instruction in disassemble(image).values() if instruction.kind in ("float", "VMLA", "VDIV")]
    fused = [instruction for instruction in arithmetic if FUSED.match(instruction.name)]
    print(f"{image.relative_to(ROOT)}: {len(arithmetic)} instructions of floating-point arithmetic, {len(fused)} fused")
    return [f"{image.relative_to(ROOT)}: {i.address:x} {i.name} {i.operands} in {i.function}" for i in fused]


def main():
    if shutil.which("arm-none-eabi-objdump") is None:
        end(0, "SKIPPED: disassembly: arm-none-eabi-objdump is not installed")
    check_the_check()
    wrong = []
    for image, needed in IMAGES:
        if not image.exists():
            end(0, f"SKIPPED: firmware for mps2-an386: {image.relative_to(ROOT)} was not built")
        arithmetic = collections.Counter()
        wrong += look(image, arithmetic)
        print(f"{image.name}: instructions of floating-point arithmetic, by source:")
        for source, count in arithmetic.most_common():
            exception = f"; VMLA allowed: {EXCEPTIONS[source]}" if source in EXCEPTIONS else ""
            print(f"{count:6} {source}{exception}")
        for source in needed:
            if not arithmetic[source]:
                end(1, f"FAILED: no arithmetic in {source}: does the test still read the map?")
    for image in OTHERS:
        if image.exists():
            wrong += look_for_fused(image)
        else:
            print(f"SKIPPED: disassembly: {image.relative_to(ROOT)} was not built")
    if wrong:
        end(1, f"FAILED: {len(wrong)} fused or chained multiply-adds, e.g. by another compiler or options", *wrong)


main()
