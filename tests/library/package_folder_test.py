#!/usr/bin/env python3
"""The folder of scripts/package: nothing is left out or comes from outside, the same bytes each time, its examples compile, and
its Makefile builds a program that runs on this machine, with Skink's SHA-256 and with an application's cryptography; mbedTLS's and PSA
Crypto's are compiled against two versions."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import library_lib
from library_lib import CXX_FLAGS, ROOT, compiler, make_package, sources_of

failures = []
SYSTEM = {"float.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h"}
OPTIONAL = {"mbedtls/ctr_drbg.h", "mbedtls/ecdsa.h", "mbedtls/pk.h", "mbedtls/sha256.h", "mbedtls/ssl.h", "mbedtls/version.h",
            "mbedtls/x509_csr.h", "psa/crypto.h", "avr/pgmspace.h"}  # behind an #if
# Sources of the freestanding layers that the package has not.
NOT_IN_IT = {
    "common/crypto/sha256_openssl.cpp": "hosts",
    "firmware/core/entropy.cpp": "asks a board",
    "firmware/samples/recorded.cpp": "plays a partition of a board",
}


def check(condition, message):
    if not condition:
        failures.append(message)
        print(f"FAILED: {message}")


def check_complete(package):
    """Every source that could be meant is there, whatever the lists say."""
    folders = [ROOT / "common", ROOT / "edge", *(ROOT / "firmware" / part for part in ("core", "samples", "selftest"))]
    expected = {path.relative_to(ROOT).as_posix() for folder in folders for path in folder.rglob("*.cpp")
                if not {"bridge", "host", "linux", "program"} & set(path.relative_to(ROOT).parts)}
    found = {name.removeprefix("src/skink/") for name in sources_of(package)}
    check(expected - found == set(NOT_IN_IT), f"left out: {expected - found}, expected: {set(NOT_IN_IT)}")
    own = {"firmware/log.cpp", "firmware/selftest_run.cpp"}
    check(own <= found, f"not there: {own - found}")
    print(f"complete: {len(found)} sources, {len(NOT_IN_IT)} left out as listed")


def check_self_contained(package):
    """Includes name what is in the folder, or C's library; nothing in it names this machine."""
    looked = 0
    for path in (package / "src").rglob("*"):
        if not path.is_file() or path.suffix == ".txt":
            continue
        code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for kind, name in re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', code, re.M):
            looked += 1
            inside = (package / "src" / name).exists() or (path.parent / name).exists()
            check(inside if kind == '"' else name in SYSTEM | OPTIONAL, f"{path.relative_to(package)} includes {name}")
    for path in package.rglob("*"):
        if path.is_file():
            check(str(ROOT) not in path.read_text() and str(package) not in path.read_text(), f"{path} names this machine")
            check(not path.is_symlink(), f"{path} is a link")
    check(looked > 300, f"only {looked} includes")
    print(f"self-contained: {looked} includes")


def check_contraction_first(package):
    for name in sources_of(package):
        if name.endswith(".cpp"):
            first = (package / name).read_text().split("\n")[0]
            check(first == '#include "skink/common/arithmetic/contraction_off.hpp"', f"{name} begins with {first}")
    switched = 0
    for path in (package / "src/skink").rglob("*.hpp"):
        text = path.read_text()
        off, restored = text.count("contraction_off.hpp\""), text.count("contraction_restore.hpp\"")
        check(off == restored, f"{path.name}: contraction is switched off {off} times, and back {restored} times")
        switched += off
    check(switched > 20, f"only {switched} headers without contraction")
    print(f"contraction: switched off in every source, and in {switched} headers")


def check_same_bytes(package, folder):
    again = make_package(folder / "again")
    names = [sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()) for top in (package, again)]
    check(names[0] == names[1], "another run wrote other files")
    differ = [name for name in names[0] if (package / name).read_bytes() != (again / name).read_bytes()]
    check(not differ, f"another run wrote other bytes: {differ}")
    done = subprocess.run([sys.executable, ROOT / "scripts/lib/library_package.py", folder], capture_output=True, text=True)
    check(done.returncode != 0 and "did not write it" in done.stderr, "a folder that is somebody else's was overwritten")
    print(f"same bytes: {len(names[0])} files")


def check_makefile(package, folder):
    """All objects are linked, not an archive of them: what is missing is missing here."""
    work = folder / "made"
    subprocess.run(["cp", "-r", package, work], check=True)
    cache = "ccache " if library_lib.shutil.which("ccache") else ""
    made = subprocess.run(["make", f"-j{library_lib.JOBS}", "-C", work / "extras/makefile", "run", f"CXX={cache}g++", f"CC={cache}gcc",
                           "CXXFLAGS=-O1 -Wall -Wextra", "CFLAGS=-O1 -Wall -Wextra"], capture_output=True, text=True)
    said = made.stdout + made.stderr
    check(made.returncode == 0 and re.search(r"self-test: 0 of \d+ checks failed", said) and "a birth message" in said, f"the Makefile: {said[-2000:]}")
    check("warning" not in said, f"the Makefile: {said[-2000:]}")
    if made.returncode == 0:
        names = subprocess.run(["nm", work / "extras/makefile/build/example"], capture_output=True, text=True).stdout
        foreign = re.findall(r" [TDBR] (pb_\w+)", names)
        check(not foreign, f"names of nanopb that another copy would have too: {foreign}")
    print("the Makefile example: built and run")
    check_c_examples(work, cache)
    return work


def check_c_examples(work, cache):
    """Both examples of skink.h, in C99, with the objects that are there; SHA-256 stays Skink's, TLS is this machine's."""
    made = subprocess.run(["make", f"-j{library_lib.JOBS}", "-C", work / "extras/makefile", "build/personal_device", "build/fleet_device",
                           f"CXX={cache}g++", f"CC={cache}gcc", "CXXFLAGS=-O1 -Wall -Wextra", "CFLAGS=-O1 -Wall -Wextra -Wpedantic",
                           "LDLIBS=-lmbedtls -lmbedx509 -lmbedcrypto"], capture_output=True, text=True)
    said = made.stdout + made.stderr
    check(made.returncode == 0 and "warning" not in said, f"the examples in C: {said[-2000:]}")
    for name in ("personal_device", "fleet_device") if made.returncode == 0 else ():
        ran = subprocess.run([work / "extras/makefile/build" / name], capture_output=True, text=True)
        check(ran.returncode == 2 and ran.stderr.startswith("skink-"), f"{name} without arguments: {ran}")
    print("the examples in C: built")


def crypto_sources(work):
    return sorted(path.relative_to(work).as_posix() for path in (work / "src/skink/common/crypto").glob("*.cpp"))


def check_mbedtls(work, folder):
    """SHA-256 and signatures of each choice: run with this machine's mbedTLS (2.28), compiled with that of the firmware (3.6)."""
    files = crypto_sources(work)
    choices = {
        "mbedTLS": (["-DSKINK_CRYPTO=SKINK_CRYPTO_MBEDTLS", "-lmbedcrypto"], 1),  # kInvalidArgument
        "found": (["-lmbedcrypto"], 1),
        "PSA": (["-DSKINK_CRYPTO=SKINK_CRYPTO_PSA", "-DSKINK_CRYPTO_CONTEXT_BYTES=256", "-lmbedcrypto"], 1),
        "Skink's": (["-DSKINK_CRYPTO=SKINK_CRYPTO_PORTABLE"], 5),  # kUnsupported
        "by its former name": (["-DSKINK_MBEDTLS=0"], 5),
    }
    probe = folder / "probe.cpp"
    probe.write_text('#include "skink/common/crypto/crypto.hpp"\n#include <stdio.h>\nint main() {\n  using namespace skink;\n'
                     "  const uint8_t text[] = {'a', 'b', 'c'};\n  char hex[65];\n  crypto::to_hex(crypto::sha256(text), hex);\n"
                     "  uint8_t none[65] = {4};\n  const Status s = crypto::verify_signature(text, Bytes(none, 64), none);\n"
                     '  printf("%s %d\\n", hex, static_cast<int>(s));\n}\n')
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    for choice, status in choices.values():
        built = subprocess.run(["g++", *CXX_FLAGS, "-Wall", "-Wextra", "-Isrc", probe, *files, "-o", folder / "probe", *choice],
                               cwd=work, capture_output=True, text=True)
        check(built.returncode == 0 and not built.stderr, f"{choice}: {built.stderr[:800]}")
        ran = subprocess.run([folder / "probe"], capture_output=True, text=True).stdout if built.returncode == 0 else ""
        check(ran == f"{abc} {status}\n", f"{choice}: {ran}")
    arm = compiler("m4", "gcc", "c++")
    mbedtls = ROOT / "firmware/third_party/mbedtls/include"
    if arm and mbedtls.is_dir():
        config = [f"-I{ROOT}/firmware/net/config", '-DMBEDTLS_CONFIG_FILE="skink_mbedtls_config.h"', f"-isystem{mbedtls}"]
        for choice in ("MBEDTLS", "PSA"):
            built = subprocess.run([*arm, *CXX_FLAGS, "-Wall", "-Wextra", f"-DSKINK_CRYPTO=SKINK_CRYPTO_{choice}", "-Isrc", *config,
                                    "-fsyntax-only", *files], cwd=work, capture_output=True, text=True)
            check(built.returncode == 0 and not built.stderr, f"{choice} of mbedTLS 3.6: {built.stderr[:800]}")
    print(f"cryptography: {len(choices)} choices run with this machine's mbedTLS, compiled with the firmware's")


def check_external(work, folder):
    """The Makefile's example with the cryptography of an application, tests/support/crypto, in place of what the folder has."""
    made = work / "extras/makefile"
    own = folder / "openssl_crypto.o"
    built = subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Isrc", "-c", ROOT / "tests/support/crypto/openssl_crypto.c",
                            "-o", own], cwd=work, capture_output=True, text=True)
    check(built.returncode == 0 and not built.stderr, f"an application's cryptography: {built.stderr[:800]}")
    for path in (made / "build/skink/common/crypto").glob("*.o"):
        path.unlink()  # the rest does not know the difference
    ran = subprocess.run(["make", "-C", made, "run", "SKINK_CRYPTO=3", f"CRYPTO={own}", "LDLIBS=-lcrypto",
                          "CXXFLAGS=-O1 -Wall -Wextra", "CFLAGS=-O1 -Wall -Wextra"], capture_output=True, text=True)
    said = ran.stdout + ran.stderr
    check(ran.returncode == 0 and re.search(r"self-test: 0 of \d+ checks failed", said) and "a birth message" in said,
          f"with an application's cryptography: {said[-1500:]}")
    names = subprocess.run(["nm", made / "build/example"], capture_output=True, text=True).stdout
    check("skink_external_sha256_begin" in names and "EVP_DigestUpdate" in names, "the example has not the application's cryptography")
    print("an application's cryptography: the example built and run with it")


def check_examples(package):
    """Sketches with stand-ins for a core's headers, samples of ESP-IDF and Zephyr as they are, for a microcontroller."""
    arm = compiler("m4", "gcc", "c++")
    if not arm:
        print("SKIPPED: examples of the package: arm-none-eabi-g++ is not installed")
        return
    sketches = sorted(package.glob("examples/*/*.ino"))
    samples = [package / "zephyr/samples/selftest/src/main.cpp", package / "extras/esp-idf/main/main.cpp"]
    for path in sketches + samples:
        stand_in = [f"-I{ROOT}/tests/library/arduino", "-include", "Arduino.h"] if path in sketches else []
        done = subprocess.run([*arm, *CXX_FLAGS, "-Wall", "-Wextra", "-Isrc", *stand_in, "-fsyntax-only", "-x", "c++", path], cwd=package,
                              capture_output=True, text=True)
        check(done.returncode == 0 and not done.stderr, f"{path.relative_to(package)}: {done.stderr[:1500]}")
    old = subprocess.run([*arm, "-std=gnu++14", "-Isrc", "-fsyntax-only", "-x", "c++", samples[0]], cwd=package, capture_output=True, text=True)
    check("Skink needs C++17" in old.stderr, f"with C++14: {old.stderr[:300]}")
    print(f"examples: {len(sketches)} sketches, {len(samples)} samples compile")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = make_package(folder)
        check_complete(package)
        check_self_contained(package)
        check_contraction_first(package)
        check_same_bytes(package, folder)
        check_examples(package)
        work = check_makefile(package, folder)
        check_mbedtls(work, folder)
        check_external(work, folder)
    sys.exit(1 if failures else 0)


main()
