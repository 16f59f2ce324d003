#!/usr/bin/env python3
"""Checks what no compiler checks: freestanding code, fused instructions, documents that must agree with code.

Each check prints what it looked at; an empty look is a failure, so that a moved folder cannot pass by silence.
"""

import concurrent.futures
import json
import os
import re
import subprocess
from pathlib import Path

from tree import LAYERS, ROOT, check, finish, sources

BUILD = Path(os.environ["SKINK_BUILD_DIR"])


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.M)


# What makes or moves files on hosts, and where it may stand. Everything else calls skink/host/files/files.hpp, whose
# files survive a power cut (tests/faults/power_cut_test.cpp).
MAKES_FILES = r"\bofstream\b|\bfstream\(|\bfopen\([^;]*\"[wa]|\brename(at2?)?\(|\bO_CREAT\b|\bcreat\(|\bmkstemp"
MAY_MAKE_FILES = {
    "host/files/files.cpp": "the functions themselves",
    "host/files/line_file.cpp": "logs that grow by lines; nothing is taken up from one",
    "host/include/skink/host/files/line_file.hpp": "the same",
    "host/files/folder_lock.cpp": "a lock",
    "simulations/import/folder_writer.cpp": "too large for memory; synchronised before it is moved to its place",
    "simulations/import/folder_writer.hpp": "the same",
}


def check_durable_files():
    found = set()
    for path in sources("common", "host", "rounds", "coordinator", "simulations", "edge/linux", "edge/host"):
        name = str(path.relative_to(ROOT))
        if not re.search(MAKES_FILES, re.sub(r"//.*", "", path.read_text())):
            continue
        found.add(name)
        check(name in MAY_MAKE_FILES, f"{name}: makes files by itself; call skink/host/files/files.hpp")
    check(found == set(MAY_MAKE_FILES), f"these make no files any more: {set(MAY_MAKE_FILES) - found}")
    print(f"durable files: {len(found)} sources make or move files, as listed")


# A thread that the system refuses throws; with others running and joinable, that aborts the process.
STARTS_THREADS = r"\bstd::j?thread\b[\w\s]*[({]|\bstd::async\b|\bpthread_create\b"
MAY_START_THREADS = {"host/include/skink/host/program/threads.hpp", "host/mqtt/exchange.cpp"}


def check_threads():
    found = set()
    for path in sources("common", "host", "rounds", "coordinator", "simulations", "edge/linux", "edge/host"):
        code = re.sub(r"//.*", "", path.read_text())
        if re.search(STARTS_THREADS, code) or re.search(r"vector<std::thread>&", code):
            found.add(str(path.relative_to(ROOT)))
    check(found == MAY_START_THREADS, f"threads are started in {found}; call start_threads()")
    print(f"threads: started in {len(found)} sources")


INCLUDE_FLAGS = [flag for layer in LAYERS
                 for flag in ("-I", str(ROOT / layer / "include"))]
INCLUDE_FLAGS += ["-isystem", str(BUILD / "generated"), "-isystem", str(BUILD / "generated/nanopb")]


def public_headers(*layers):
    """Less those that need lwIP or mbedTLS: they are compiled in a cross build."""
    return [p for layer in layers for p in sources(f"{layer}/include", suffixes=(".hpp",))
            if not any(re.match("lwip|mbedtls|skink/firmware/(net|tls)/", header) for header in includes(p))]


def check_compile(headers, standard, before, failure):
    """Each header compiles after the text `before`."""
    flags = [f"-std={standard}", "-fsyntax-only", "-x", "c++", *INCLUDE_FLAGS]

    def compile_one(name):
        return subprocess.run(["c++", *flags, "-"], input=f'{before}#include "{name}"\n', text=True, capture_output=True)

    names = [str(header).split("/include/", 1)[1] for header in headers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, done in zip(names, pool.map(compile_one, names)):
            check(done.returncode == 0, f"{name} does not compile {failure}:\n{done.stderr[:800]}")


def included_first():
    """Headers that a source file of the build includes before anything else: a build has compiled them alone. Where this one has
    precompiled headers, those of scripts/check for clang-tidy and the sanitizers have none."""
    found = set()
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if path.suffix == ".cpp" and path.exists():
            found.update(includes(path)[:1])
    return found


def check_headers_alone():
    headers = public_headers(*LAYERS)
    proven = included_first()
    left = [header for header in headers if str(header).split("/include/", 1)[1] not in proven]
    check_compile(left, "c++20", "", "alone")
    print(f"headers alone: {len(headers)}, of which {len(headers) - len(left)} by the build")


# The macros of Arduino.h and of what it includes (cores for AVR, megaAVR, SAMD, mbed, ESP8266, ESP32).
ARDUINO_FUNCTIONS = """
    abs min max round radians degrees sq constrain interrupts noInterrupts sei cli lowByte highByte word bit bitRead
    bitSet bitClear bitToggle bitWrite F PSTR FPSTR _BV _NOP _min _max _abs _round clockCyclesPerMicrosecond
    clockCyclesToMicroseconds microsecondsToClockCycles analogInPinToBit analogInputToDigitalPin analogPinToChannel
    digitalPinHasPWM digitalPinToPort digitalPinToBitMask digitalPinToTimer digitalPinToInterrupt digitalPinToPCICR
    portOutputRegister portInputRegister portModeRegister pgm_read_byte pgm_read_word pgm_read_dword pgm_read_float
    bit_is_set bit_is_clear loop_until_bit_is_set loop_until_bit_is_clear ISR SIGNAL""".split()
ARDUINO_CONSTANTS = """
    HIGH LOW INPUT OUTPUT INPUT_PULLUP INPUT_PULLDOWN OUTPUT_OPENDRAIN PI HALF_PI TWO_PI DEG_TO_RAD RAD_TO_DEG EULER
    SERIAL DISPLAY LSBFIRST MSBFIRST CHANGE FALLING RISING ONLOW ONHIGH DEFAULT EXTERNAL INTERNAL INTERNAL1V1
    INTERNAL2V56 DEC HEX OCT BIN NOT_A_PIN NOT_A_PORT NOT_AN_INTERRUPT NOT_ON_TIMER LED_BUILTIN NUM_DIGITAL_PINS
    NUM_ANALOG_INPUTS SS MOSI MISO SCK SDA SCL RX TX A0 A1 A2 A3 A4 A5 A6 A7 TIMER0A TIMER1A TIMER2 PA PB PC PD PE PF
    PROGMEM Serial SREG SP E2END RAMSTART RAMEND FLASHEND""".split()
ARDUINO_CONSTANTS += [f"B{value:0{digits}b}" for digits in range(1, 9) for value in range(1 << digits)]


def check_arduino_macros():
    """A sketch includes Arduino.h first. Its macros are defined here to what never compiles: an expansion that would
    compile makes another name of ours all the same."""
    headers = [p for p in public_headers("common", "edge", "firmware")
               if not re.search("/(bridge|host|linux)/", str(p.relative_to(ROOT)))]
    system = sorted({name for p in headers for name in includes(p) if not name.startswith("skink/")} | {"pb.h"})
    before = "".join(f"#include <{name}>\n" for name in system)  # Arduino.h includes the C library before its macros
    before += "".join(f"#undef {name}\n#define {name}(...) @ {name} @\n" for name in ARDUINO_FUNCTIONS)
    before += "".join(f"#undef {name}\n#define {name} @ {name} @\n" for name in ARDUINO_CONSTANTS)
    check_compile(headers, "c++17", before, "after the macros of Arduino.h")
    print(f"headers after the macros of Arduino.h: {len(headers)}")


LOOP = re.compile(r"\b(while|for) \((.*)\)( ?\{\s*\}|;|)", re.M)
HARDWARE = re.compile(r"\b(reg|pop|load|chip|byte_at|word_at)\(")


def check_waits():
    """A loop without a body, or on a register, waits for something else to change. A driver does that with wait_until(), or
    in a for loop, which has a bound where it stands; waiting for the clock has one too."""
    looked = 0
    for path in sources("firmware"):
        text = re.sub(r" *//[^\n]*", "", path.read_text())
        for kind, condition, end in LOOP.findall(text):
            looked += 1
            waits = kind == "while" and (end or HARDWARE.search(condition)) and "now_ms() <" not in condition
            check(not waits, f"{path.relative_to(ROOT)} waits without a bound: {kind} ({condition})")
    check(looked > 50, f"only {looked} loops in firmware/")
    print(f"waits: {looked} loops")


FORBIDDEN_SYMBOLS = re.compile(
    r"\b(malloc|calloc|realloc|free|_Znw\w+|_Zna\w+|_ZdlPv\w*|_ZdaPv\w*|__cxa_\w+|_ZNSt\w+|pthread_\w+|printf|fopen|"
    r"sqrtf?|expf?|logf?|tanhf?|sinf?|cosf?|powf?|fmaf?)$")


def check_symbols():
    archives = [BUILD / "common/libskink_common.a", BUILD / "edge/libskink_edge.a", BUILD / "edge/libskink_edge_mqtt.a", BUILD / "edge/libskink_edge_datagram.a",
                BUILD / "firmware/libskink_firmware_core.a"]
    for archive in archives:
        if os.environ.get("SKINK_SANITIZE"):
            print("SKIPPED: symbols of freestanding archives: sanitizers add their own")
            return
        listing = subprocess.run(["nm", "-C", "--undefined-only", archive], text=True, capture_output=True)
        raw = subprocess.run(["nm", "--undefined-only", archive], text=True, capture_output=True)
        check(raw.returncode == 0 and raw.stdout, f"{archive} cannot be read: {listing.stderr}")
        for line in raw.stdout.splitlines():
            symbol = line.split()[-1] if line.split() else ""
            check(not FORBIDDEN_SYMBOLS.match(symbol), f"{archive.name} needs {symbol}: freestanding code may not")
        sections = subprocess.run(["objdump", "-h", archive], text=True, capture_output=True).stdout
        check(".init_array" not in sections, f"{archive.name} has dynamic initialization (.init_array)")
    print(f"symbols: {len(archives)} archives")


def check_instruction_sets():
    """Code of an instruction set may be linked into programs that run without it. So what such an object defines, and the
    linker may take in place of another object's, must carry the instruction set in its name."""
    if os.environ.get("SKINK_SANITIZE"):
        print("SKIPPED: objects of instruction sets: sanitizers add their own symbols")
        return
    objects = sorted((BUILD / "simulations").rglob("lanes_*.o"))
    check(objects, "no objects of instruction sets")
    looked = 0
    for path in objects:
        isa = path.name.split(".")[0].removeprefix("lanes_")
        listing = subprocess.run(["nm", "-C", "--defined-only", path], text=True, capture_output=True).stdout
        for kind, symbol in re.findall(r"^[0-9a-f]+ (\w) (.*)$", listing, re.M):
            looked += 1
            shared = kind in "WVuTBD" and kind not in "rtbd"
            own = f"::{isa}::" in symbol or f"{isa}_lanes()" in symbol or symbol.startswith("DW.ref.")  # no code
            check(not shared or own, f"{path.name} defines {symbol} for all: give it the namespace of its instruction set")
        relocations = subprocess.run(["objdump", "-h", path], text=True, capture_output=True).stdout
        check(".init_array" not in relocations, f"{path.name} runs code before main()")
    print(f"instruction sets: {len(objects)} objects, {looked} symbols")


def check_no_fused(objdump, archives, pattern, name):
    looked = 0
    for archive in archives:
        if not archive.exists():
            print(f"SKIPPED: fused instructions in {archive.name} for {name}: it was not built")
            continue
        listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", archive], text=True, capture_output=True).stdout
        instructions = re.findall(r"^\s+[0-9a-f]+:\s+(\S+)", listing, re.M)
        check(instructions, f"no instructions in {archive}")
        looked += len(instructions)
        fused = sorted({i for i in instructions if re.match(pattern, i)})
        check(not fused, f"{archive.name} for {name} has fused instructions: {fused}")
    print(f"fused instructions for {name}: {looked} instructions")


def check_exit_codes():
    header = (ROOT / "host/include/skink/host/program/exit_codes.hpp").read_text()
    code = {int(n): name for name, n in re.findall(r"^\s+(k\w+) = (\d+),", header, re.M)}
    document = (ROOT / "docs/exit-codes.md").read_text()
    listed = {int(n): name for n, name in re.findall(r"^\| (\d+) \| (k\w+) \|", document, re.M)}
    check(code and code == listed, f"docs/exit-codes.md and exit_codes.hpp differ: {listed} and {code}")
    print(f"exit codes: {len(code)}")


# What documents say about limits: document, what stands before the number, and the constants of limits.hpp there.
LIMITS = [
    ("experiment.md", r"\| `min_records` \| 1\.\.", "kMaxSamples", 1),
    ("experiment.md", r"\| `gap` \| 0\.\.", "kMaxSamples", 1),
    ("experiment.md", r"\| `ways` \| `\"all\"`, ", "kMinWays", 1),
    ("experiment.md", r"\| `ways` \| `\"all\"`, 2\.\.", "kMaxWays", 1),
    ("experiment.md", r"\| `rounds` \| 1\.\.", "kMaxRounds", 1),
    ("experiment.md", r"\| `every` \| 0\.\.", "kMaxRounds", 1),
    ("experiment.md", r"\| `(?:final_)?tasks` \| 0\.\.", "kMaxTasks", 2),
    ("experiment.md", r"\| `(?:cohort|devices)` \| 1\.\.", "kMaxDevices", 2),
    ("experiment.md", r"\| `held_out` \| 0\.\.", "kMaxDevices", 1),
    ("experiment.md", r"\| `passes` \| [01]\.\.", "kMaxPasses", 2),
    ("experiment.md", r"\| `batch_size` \| 1\.\.", "kMaxBatchSize", 2),
    ("experiment.md", r"\| `(?:deadline|offline)_ms` \| [01]\.\.", "kMaxWaitMs", 2),
    ("protocol.md", r"passes 0\.\.", "kMaxPasses", 1),
    ("protocol.md", r"batch size 1\.\.", "kMaxBatchSize", 1),
    ("protocol.md", r"1\.\.(?=\d+ of `A-Z a-z 0-9 - _ \.`)", "kMaxIdBytes", 1),
    ("protocol.md", r"`uplink` ", "kMaxCodecNameBytes", 1),
    ("identity.md", r"1\.\.(?=\d+ of `A-Z a-z 0-9 - _ \.`)", "kMaxIdBytes", 1),
    ("release.md", r"1\.\.(?=\d+ of `A-Z a-z 0-9 - _ \.`)", "kMaxReleaseNameBytes", 1),
    ("coordinator-config.md", r"1\.\.(?=\d+ of A-Z a-z 0-9 - _ \.)", "kMaxIdBytes", 1),
    ("provisioning.md", r"1\.\.(?=\d+ of `A-Z a-z 0-9 - _ \.`)", "kMaxIdBytes", 1),
    ("provisioning.md", r"`--count` go up to ", "kMaxDeviceNumber", 1),
    ("provisioning.md", r"`--days` and `--crl-days` to ", "kMaxCertificateDays", 1),
]


def check_limits():
    header = (ROOT / "common/include/skink/common/limits.hpp").read_text()
    limit = {name: int(n) for name, n in re.findall(r"constexpr \w+ (k\w+) = (\d+);", header)}
    for document, before, name, times in LIMITS:
        said = [int(n) for n in re.findall(before + r"(\d+)", (ROOT / "docs" / document).read_text())]
        check(len(said) == times and set(said) == {limit[name]},
              f"docs/{document} says {said} for {name}, {times} times expected; limits.hpp says {limit[name]}")
    for script in ("make-pki", "broker"):  # bash has no headers
        said = re.findall(r"\[A-Za-z0-9_\.-\]\{1,(\d+)\}", (ROOT / "scripts" / script).read_text())
        check(said == [str(limit["kMaxIdBytes"])], f"scripts/{script}: another rule for names: {said}")
    print(f"limits: {len(LIMITS)} places in documents")


def check_refusals():
    proto = (ROOT / "common/wire/skink.proto").read_text()
    declared = {int(n): name for name, n in re.findall(r"^\s+REFUSAL_(\w+) = (\d+);", proto, re.M) if n != "0"}
    document = (ROOT / "docs/protocol.md").read_text()
    listed = {int(n): name for n, name in re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", document, re.M)}
    check(declared and declared == listed, f"docs/protocol.md and skink.proto list other reasons: "
                                           f"{set(declared.items()) ^ set(listed.items())}")
    header = (ROOT / "common/include/skink/common/wire/messages.hpp").read_text()
    body = header.split("enum class Refusal", 1)[1].split("};", 1)[0]
    in_code = {int(n) for n in re.findall(r"k\w+ = (\d+)", body)} - {0}
    check(in_code == set(declared), "messages.hpp and skink.proto number reasons differently")
    print(f"refusals: {len(declared)}")


def check_purposes():
    header = (ROOT / "common/include/skink/common/arithmetic/philox.hpp").read_text()
    body = header.split("enum class Purpose", 1)[1].split("};", 1)[0]
    numbers = {int(n) for n in re.findall(r"k\w+ = (\d+)", body)}
    section = (ROOT / "docs/arithmetic.md").read_text().split("## 4.", 1)[1].split("## 5.", 1)[0]
    listed = {int(n) for cell in re.findall(r"^\| ([\d, ]+) \|", section, re.M) for n in cell.split(",")}
    check(numbers and numbers == listed, f"purposes differ: {numbers} in code, {listed} in docs/arithmetic.md")
    print(f"purposes: {len(numbers)}")


def check_links():
    looked = 0
    for document in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("docs/**/*.md")]:
        if "build" in document.relative_to(ROOT).parts:
            continue
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            looked += 1
            check((document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}: not there")
    check(looked, "no links found")
    print(f"links: {looked}")


check_durable_files()
check_threads()
check_headers_alone()
check_arduino_macros()
check_waits()
check_symbols()
check_instruction_sets()
check_no_fused("objdump", [BUILD / "common/libskink_common.a", BUILD / "simulations/libskink_simulation.a"],
               r"v?f(n?m(add|sub))", "this host")
check_no_fused("arm-none-eabi-objdump" if os.path.exists("/usr/bin/arm-none-eabi-objdump") else "objdump",
               [BUILD / "cortex-m/libskink_common.a", BUILD / "cortex-m/libskink_edge.a"], r"vfn?m[as]", "Cortex-M4F")
check_exit_codes()
check_limits()
check_refusals()
check_purposes()
check_links()
finish()
