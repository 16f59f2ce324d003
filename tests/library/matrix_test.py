#!/usr/bin/env python3
"""The folder of scripts/package as each core's compilers take it, with what an Arduino core passes and no flag against contraction:
no warning, no fused multiply-add in the disassembly, and the self-test in QEMU. That the disassembly can fail, and that a client
with contraction refuses its tasks, is shown by an image that is compiled with it.

A part of the matrix; all of it, 45 builds, with SKINK_MATRIX=full (half an hour and more)."""

import itertools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from library_lib import (COMPILERS, CORES, LEVELS, RISCV, SECTIONS, compile_sources, compiler, computing_sources, fused_instructions,
                         link_and_run, make_package, skip, sources_of)

IS_FULL = os.environ.get("SKINK_MATRIX") == "full"
OWN_CRYPTO = ["-DSKINK_MBEDTLS=0"]
WHOLE = ("m4", "gcc", "-O2")  # of the part: every source, and run
# Too: for M0+ `#pragma GCC optimize` made wrong code (contraction_off.hpp); the Xtensa is the one of another family.
RUN = [("m0plus", "gcc", "-Os"), ("lx106", "gcc", "-Os")]
PART = [*RUN, ("m33", "gcc", "-O3"), ("m7", "clang", "-O2"), ("rv32imafc", "gcc", "-O2")]
# docs/porting.md, "Memory": for a network of three layers.
SMALLEST = ["-DSKINK_EDGE_CHUNK_BYTES=128", "-DSKINK_EDGE_MAX_MODEL_CHUNKS=64", "-DSKINK_MAX_LAYERS=3", "-DSKINK_MQTT_TOPIC_BYTES=96",
            "-DSKINK_EDGE_RENEWAL=0"]
SMALLEST_BYTES = 4096
CONTRACTED = ("src/skink/common/arithmetic/", "src/skink/common/nn/")
failures = []


def check(condition, message):
    if not condition:
        failures.append(message)
        print(f"FAILED: {message}")


def commands_of(core, kind):
    commands = {language: compiler(core, kind, language) for language in ("c", "c++")}
    if None in commands.values():
        return None
    if core in RISCV and not IS_FULL:  # so that both are seen: ESP-IDF 5 has gnu++2b
        commands["standard"] = ["-std=gnu++2b"]
    return commands


def build(package, names, work, entry):
    """Compiles, looks at the disassembly; the objects, or None without such a compiler."""
    core, kind, level = entry
    commands = commands_of(core, kind)
    if commands is None:
        print(f"SKIPPED: package for {core}: no {kind} for it")
        return None
    name = " ".join(entry)
    flags = [level, *SECTIONS, *OWN_CRYPTO]
    objects, findings = compile_sources(package, names, work / name.replace(" ", "_"), commands, flags)
    check(not findings, f"{name}: {len(findings)} of {len(names)} sources:\n" + "\n".join(findings[:3]))
    if findings:
        return None
    fused = fused_instructions(core, objects)
    check(fused == 0, f"{name}: {fused} fused multiply-adds")
    print(f"{name}: {len(objects)} sources compiled, no finding, {fused} fused", flush=True)
    return objects


def run(package, objects, work, entry):
    core = entry[0]
    ran = link_and_run(package, objects, core, work, OWN_CRYPTO)
    if ran is None:
        print(f"SKIPPED: package in QEMU: no emulator for {core}")
        return
    status, console = ran
    is_right = (status == 0 and "floating point is sound" in console and re.search(r"self-test: 0 of \d+ checks failed", console)
                and "announces arithmetic 2, a task is begun" in console)
    check(is_right, f"{' '.join(entry)}: status {status} in QEMU:\n{console}")
    if is_right:
        print(f"{' '.join(entry)}: in QEMU the canary is green, all checks are right, the client takes part", flush=True)


def check_contracted(package, objects, work):
    """The image of WHOLE with contraction in what computes."""
    core, kind, level = WHOLE
    names = [name for name in sources_of(package) if name.startswith(CONTRACTED)]
    flags = [level, *SECTIONS, *OWN_CRYPTO, "-DSKINK_ALLOW_CONTRACTION"]
    contracted, findings = compile_sources(package, names, work / "contracted", commands_of(core, kind), flags)
    check(not findings, f"contracted: {findings[:3]}")
    fused = fused_instructions(core, contracted)
    check(fused > 0, "with contraction nothing is fused: the disassembly shows nothing")
    others = [path for path in objects if path.name not in {path.name for path in contracted}]
    ran = link_and_run(package, contracted + others, core, work, OWN_CRYPTO)
    if ran is None:
        return
    status, console = ran
    check(status == 1 and "multiply and add are fused" in console and "FAILED" in console, f"contracted: {status}\n{console}")
    check("announces arithmetic 0, a task is version_mismatch" in console, f"contracted, the client:\n{console}")
    if not failures:
        print(f"with contraction: {fused} fused; in QEMU the canary sees it, the client refuses its task")


def check_smallest(package, work):
    """The device with the options for the smallest parts: it compiles, and the object is as small as the document says."""
    names = [name for name in sources_of(package) if "/edge/" in name or "/firmware/" in name]
    (package / "size.cpp").write_text('#include "skink/firmware/device.hpp"\n'
                                      "extern unsigned char device[];\nunsigned char device[sizeof(skink::firmware::Device)];\n")
    flags = ["-Os", *SECTIONS, *OWN_CRYPTO, *SMALLEST]
    objects, findings = compile_sources(package, [*names, "size.cpp"], work / "smallest", commands_of("m4", "gcc"), flags)
    (package / "size.cpp").unlink()
    check(not findings, f"smallest: {findings[:3]}")
    if findings:
        return
    symbols = subprocess.run(["arm-none-eabi-nm", "-S", objects[-1]], capture_output=True, text=True, check=True).stdout
    size = next(int(line.split()[1], 16) for line in symbols.splitlines() if line.endswith(" device"))
    check(size <= SMALLEST_BYTES, f"smallest: a Device has {size} bytes, at most {SMALLEST_BYTES} are promised")
    print(f"smallest: {len(objects) - 1} sources compiled, a Device has {size} bytes")


def check_users_code(package, work):
    """What a header computes stays as it is where a sketch is compiled with contraction and keeps a copy of it."""
    (package / "user.cpp").write_text(
        '#include <Skink.h>\n#include "skink/common/arithmetic/elementary_templates.hpp"\n'
        '#include "skink/common/nn/kernels/passes.hpp"\n'
        "template float skink::arithmetic::generic::exp<float>(float);\n"
        "template void skink::nn::kernels::forward<float>(const skink::nn::Network&, const skink::nn::kernels::View<float>&, "
        "float*, size_t, size_t, size_t);\n")
    objects, findings = compile_sources(package, ["user.cpp"], work / "user", commands_of("m33", "gcc"),
                                        ["-O2", "-fkeep-inline-functions", *OWN_CRYPTO])
    check(not findings, f"a sketch: {findings}")
    fused = 0 if findings else fused_instructions("m33", objects)
    check(fused == 0, f"a sketch's copy of the headers' functions has {fused} fused multiply-adds")
    print(f"functions of headers in a sketch: {fused} fused")
    (package / "user.cpp").unlink()


def main():
    if commands_of("m4", "gcc") is None:
        skip("package for microcontrollers: arm-none-eabi-g++ is not installed")
    with tempfile.TemporaryDirectory() as folder:
        work, package = Path(folder), make_package(folder)
        objects = build(package, sources_of(package), work, WHOLE)
        if objects:
            run(package, objects, work, WHOLE)
            check_contracted(package, objects, work)
        check_users_code(package, work)
        check_smallest(package, work)
        for entry in itertools.product(CORES, COMPILERS, LEVELS) if IS_FULL else PART:
            if entry == WHOLE:
                continue
            is_whole = IS_FULL or entry in RUN
            objects = build(package, sources_of(package) if is_whole else computing_sources(package), work, entry)
            if objects and is_whole:
                run(package, objects, work, entry)
    sys.exit(1 if failures else 0)


main()
