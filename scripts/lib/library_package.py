#!/usr/bin/env python3
"""Writes the folder of scripts/package, which says what it is. What goes into it comes from the tree: the sources from the lists
of CMake, the headers from the include folders, the descriptions of the ecosystems from packaging/library.

    library_package.py OUT [--url URL]
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = ROOT / "packaging/library"
NANOPB = ROOT / "firmware/third_party/nanopb"
MARK = ".skink-package"  # in a folder that this wrote
URL = "https://skink.example"

LIBRARIES = {  # the layers' lists of sources
    "common": ["skink_common", "skink_common_crypto"],
    "edge": ["skink_edge", "skink_edge_datagram", "skink_edge_mqtt"],
    "firmware": ["skink_firmware_core", "skink_firmware_samples", "skink_firmware_selftest"],
}
LEFT_OUT = {"firmware/core/entropy.cpp": "asks a board"}
HEADERS_LEFT_OUT = ("bridge/", "host/", "linux/", "net/", "tls/", "app.hpp", "entropy.hpp", "memory.hpp", "port.hpp", "stopwatch.hpp", "wait.hpp")
CRYPTO = {  # where SHA-256 and signatures come from is chosen in the package by the preprocessor
    "sha256_mbedtls.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_MBEDTLS", "signature_mbedtls.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_MBEDTLS",
    "sha256_psa.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_PSA", "signature_psa.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_PSA",
    "sha256_portable.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_PORTABLE", "signature_none.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_PORTABLE",
    "external.cpp": "SKINK_CRYPTO == SKINK_CRYPTO_EXTERNAL", "hmac_sha256.cpp": "SKINK_CRYPTO != SKINK_CRYPTO_EXTERNAL",
}
PROTOS = ["common/wire/skink.proto", "common/provisioning/identity.proto"]
CONTRACTION = "skink/common/arithmetic/contraction_"
COMPUTES = re.compile(r"\b(float|double|Real)\b")


def die(message):
    sys.exit(f"package: {message}")


def listed_sources(layer, library):
    """The sources of a library, as its CMakeLists.txt lists them, less what is a variable there."""
    text = re.sub(r"#.*", "", (ROOT / layer / "CMakeLists.txt").read_text())
    found = re.search(rf"skink_add_library\({library}\s.*?SOURCES(.*?)(?:\sLINK_\w+|\))", text, re.S)
    if not found:
        die(f"{layer}/CMakeLists.txt has no library {library} with SOURCES")
    return [f"{layer}/{name}" for name in found[1].split() if "$" not in name]


def sources():
    """All that is compiled, relative to the root."""
    names = [name for layer, libraries in LIBRARIES.items() for library in libraries
             for name in listed_sources(layer, library)]
    names += [f"common/crypto/{name}" for name in CRYPTO]
    return sorted({name for name in names if name not in LEFT_OUT})


def headers():
    """{place in the package: file}: public ones, and those beside the sources."""
    found = {}
    for layer in LIBRARIES:
        public = ROOT / layer / "include/skink" / layer
        for path in [*public.rglob("*.hpp"), *public.rglob("*.h")]:
            name = path.relative_to(public).as_posix()
            if not name.startswith(HEADERS_LEFT_OUT):
                found[f"skink/{layer}/{name}"] = path
    for path in (ROOT / "firmware/include/skink").glob("*.h"):  # for C
        found[f"skink/{path.name}"] = path
    for folder in sorted({(ROOT / name).parent for name in sources()}):
        for path in folder.glob("*.hpp"):
            found[place_of(path.relative_to(ROOT).as_posix())] = path
    return found


def place_of(name):
    """common/codec/eden.cpp is skink/common/codec/eden.cpp, beside the public headers of its room."""
    return f"skink/{name}"


class Package:
    def __init__(self, folder):
        self.folder = folder
        self.compiled = []  # relative to the folder

    def write(self, name, text):
        path = self.folder / name
        if path.exists():
            die(f"two files would be {name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.suffix in (".cpp", ".c") and name.startswith("src/"):
            self.compiled.append(name)

    def add(self, place, text):
        """A source or header of ours, with the includes that hold in the package."""
        layer = place.split("/")[1]

        def include(found):
            kind, name = found[1], found[2]
            if kind == "<" and (name.startswith("pb_") or name == "pb.h"):
                return f'#include "skink/nanopb/{name}"'
            if name == "skink/firmware/port.hpp":  # of which console.cpp needs the console
                return '#include "skink/firmware/log.hpp"'
            if kind == '"' and not name.startswith("skink/") and "/" in name:
                return f'#include "skink/{layer}/{name}"'
            return found[0]

        text = re.sub(r'^#include ([<"])([^>"]+)[>"]', include, text, flags=re.M)
        self.write(f"src/{place}", guarded(place, text))


def guarded(place, text):
    """Without contraction, and the crypto of one choice."""
    if place.endswith(".cpp"):
        condition = CRYPTO.get(place.split("/")[-1])
        if condition:
            text = f'#include "skink/common/crypto/crypto_choice.h"\n#if {condition}\n{text}#endif\n'
        return f'#include "{CONTRACTION}off.hpp"\n{text}'
    code = re.sub(r"//.*", "", text)
    if place.endswith(".hpp") and COMPUTES.search(code):
        # after the includes: what they bring is not ours, or says so itself
        includes = list(re.finditer(r"^#(include|pragma once).*\n", text, re.M))
        at = includes[-1].end()
        return f'{text[:at]}#include "{CONTRACTION}off.hpp"\n{text[at:]}#include "{CONTRACTION}restore.hpp"\n'
    return text


def add_messages(package):
    generator = shutil.which("nanopb_generator.py") or shutil.which("nanopb_generator")
    if not generator:
        die("nanopb_generator is not installed (Debian: nanopb)")
    for proto in PROTOS:
        path = ROOT / proto
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([generator, "--quiet", "--no-timestamp", "--error-on-unmatched", f"--proto-path={path.parent}",
                            f"--output-dir={folder}", path], check=True)
            for suffix in (".pb.c", ".pb.h"):
                name = path.stem + suffix
                text = (Path(folder) / name).read_text().replace("#include <pb.h>", '#include "skink/nanopb/pb.h"')
                package.write(f"src/skink/{path.parent.relative_to(ROOT)}/{name}", text)


def add_nanopb(package):
    """Its functions get a name of ours: other libraries bring a copy of nanopb too."""
    if not NANOPB.is_dir():
        die("firmware/third_party/nanopb is absent: run scripts/fetch-firmware-deps first")
    names = set()
    for name in ("pb", "pb_common", "pb_decode", "pb_encode"):
        names.update(re.findall(r"^[a-z][\w ]*[ *](pb_\w+)\(", (NANOPB / f"{name}.h").read_text(), re.M))
        for suffix in (".c", ".h") if name != "pb" else ():
            package.write(f"src/skink/nanopb/{name}{suffix}", (NANOPB / (name + suffix)).read_text())
    defines = "".join(f"#define {name} skink_{name}\n" for name in sorted(names))
    package.write("src/skink/nanopb/names.h", "#pragma once\n/* Of Skink's copy of nanopb. */\n"
                  f"#ifndef PB_NO_ERRMSG\n#define PB_NO_ERRMSG\n#endif\n{defines}")
    text = (NANOPB / "pb.h").read_text()
    package.write("src/skink/nanopb/pb.h", re.sub(r"^#define PB_H_INCLUDED\n", r'\g<0>#include "names.h"\n', text, 1, re.M))
    package.write("src/skink/nanopb/LICENSE.txt", (NANOPB / "LICENSE.txt").read_text())


def add_posix(package):
    """The platform layer over sockets and files, and the examples in C: not every platform of the package has what they need."""
    firmware, out = ROOT / "firmware", "extras/posix"
    for path in sorted([*(firmware / "posix").glob("*.cpp"), *(firmware / "tls").glob("*.cpp")]):
        if path.name != "stdout_console.cpp":  # the package has log.cpp
            package.write(f"{out}/{path.name}", path.read_text())
    for path in sorted((firmware / "include/skink/firmware/posix").glob("*.h")):
        package.write(f"{out}/skink/firmware/posix/{path.name}", path.read_text())
    for path in sorted((firmware / "include/skink/firmware/tls").glob("*.hpp")):
        package.write(f"{out}/skink/firmware/tls/{path.name}", path.read_text())
    for path in sorted((firmware / "examples").glob("*.c")):
        package.write(f"{out}/{path.name}", path.read_text())


SOURCE_LINES = {  # how a description names a source
    "CMakeLists.txt": '    "{}"',
    "zephyr/CMakeLists.txt": "    ${{skink}}/{}",
    "Skink.Skink.pdsc": '        <file category="{kind}" name="{}"/>',
}


def add_template(package, url):
    project = re.search(r'project\(skink VERSION ([\d.]+) DESCRIPTION "([^"]+)"', (ROOT / "CMakeLists.txt").read_text())
    words = {"VERSION": project[1], "DESCRIPTION": project[2], "URL": url}
    files = sorted(path for path in TEMPLATE.rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path.suffix == ".in"):  # those with lists of all sources last
        name = path.relative_to(TEMPLATE).as_posix().removesuffix(".in")
        text = path.read_text()
        if path.suffix == ".in":
            line = SOURCE_LINES.get(name, "")
            words["SOURCES"] = "\n".join(line.format(source, kind="sourceC" if source.endswith(".c") else "sourceCpp")
                                         for source in sorted(package.compiled))
            text = re.sub(r"@([A-Z]+)@", lambda found: words[found[1]], text)
        if name.startswith("src/skink/") and path.suffix == ".cpp":
            package.add(name.removeprefix("src/"), text)
        else:
            package.write(name, text)


def main():
    parser = argparse.ArgumentParser(description="scripts/package", usage="scripts/package OUT [--url URL]")
    parser.add_argument("out", type=Path)
    parser.add_argument("--url", default=URL)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    if out.exists() and not (out / MARK).exists() and not (out.is_dir() and not any(out.iterdir())):
        die(f"{out} is there, and this did not write it")
    shutil.rmtree(out, ignore_errors=True)
    package = Package(out)
    package.write(MARK, "written by scripts/package\n")
    for name in sources():
        package.add(place_of(name), (ROOT / name).read_text())
    for place, path in sorted(headers().items()):
        package.add(place, path.read_text())
    add_messages(package)
    add_nanopb(package)
    add_posix(package)
    add_template(package, arguments.url)
    files = sum(path.is_file() for path in out.rglob("*"))
    print(f"{out}: {files} files, {len(package.compiled)} to compile")


if __name__ == "__main__":
    main()
