#!/usr/bin/env python3
"""Checks where things stand: what each room may include, that names are unique, that files and functions stay short.

Each check prints what it looked at; an empty look is a failure, so that a moved folder cannot pass by silence.
"""

import ast
import re
from collections import defaultdict

from tree import LAYERS, ROOT, check, finish, includes, sources

# Standard headers by what they can do.
C = r"(stddef|stdint|string|float)\.h"  # there are microcontroller toolchains without libstdc++
VALUES = (r"algorithm|array|bit|cassert|charconv|cinttypes|cmath|cstddef|cstdint|cstdlib|cstring|deque|functional|"
          r"initializer_list|iterator|limits|map|memory|new|numeric|optional|queue|set|span|sstream|stdexcept|string|"
          r"string_view|tuple|type_traits|unordered_map|utility|variant|vector")
OUTSIDE = VALUES + (r"|atomic|cerrno|chrono|condition_variable|csignal|cstdio|ctime|exception|filesystem|fstream|istream|"
                    r"mutex|random|stop_token|system_error|thread|(fcntl|stdio|unistd)\.h|sys/(file|stat)\.h")
SOCKETS = r"(dirent|netdb|poll)\.h|netinet/(in|tcp)\.h|sys/socket\.h"
SIMD = r"(imm|x86)intrin\.h"

# What a room may include: of ours (prefixes below skink/), and of others (whole names). The longest folder that fits a
# file is its room. A room that is not in the list may include nothing.
ROOMS = {
    "common": ("common/", C),
    "common/arithmetic": ("common/arithmetic/", C),
    "common/crypto": ("common/", C + r"|stdlib\.h|mbedtls/(ctr_drbg|ecdsa|pk|sha256|ssl|version|x509_csr)\.h|psa/crypto\.h|openssl/sha\.h"),
    "common/nn": ("common/arithmetic/ common/nn/ common/sizes.hpp common/span.hpp common/status.hpp", C),
    "common/provisioning": ("common/", C + r"|pb_(de|en)code\.h"),
    "common/wire": ("common/", C + r"|pb_(de|en)code\.h"),
    "edge": ("common/ edge/", C),
    "edge/bridge": ("common/ edge/ host/", OUTSIDE + "|" + SOCKETS + r"|mbedtls/(ctr_drbg|entropy|ssl|ssl_cookie)\.h"),
    "edge/host": ("common/ edge/ host/", VALUES),
    "edge/linux": ("common/ edge/ host/", OUTSIDE),
    "edge/program": ("common/ edge/ host/", OUTSIDE),
    "firmware": ("common/ edge/ firmware/ skink.h firmware_update.h", C),
    "firmware/net": ("common/ edge/ firmware/", C + r"|(stdio|time)\.h|lwip/.*|netif/.*|mbedtls/.*"),
    "firmware/ports": ("common/ edge/ firmware/", C + r"|lwip/.*"),
    "firmware/ports/rp2": ("common/ edge/ firmware/", C + r"|lwip/.*|netif/.*|(boot|hardware|pico)/.*"),
    "firmware/posix": ("common/ edge/datagram/ firmware/ skink.h", C + r"|(errno|fcntl|netdb|poll|stdio|time|unistd)\.h|netinet/(in|tcp)\.h|"
                       r"sys/(file|random|socket|stat)\.h|mbedtls/(ctr_drbg|net_sockets|ssl)\.h"),
    "firmware/tls": ("common/ edge/ firmware/", C + r"|mbedtls/.*"),
    "host": ("common/ host/", OUTSIDE + r"|boost/(system|json)/.*|boost/json\.hpp"),
    "host/config": ("common/ host/", VALUES + r"|toml\+\+/toml\.h|boost/json/src\.hpp"),
    "host/experiment": ("common/ host/", VALUES + r"|fmt/format\.h"),
    "host/program": ("common/ host/", OUTSIDE + r"|CLI/CLI\.hpp|boost/json\.hpp|systemd/sd-(daemon|journal)\.h|sys/resource\.h|fmt/format\.h|xmmintrin\.h"),
    "host/mqtt": ("common/ host/", OUTSIDE + "|" + SOCKETS + r"|mqtt/.*|openssl/.*"),
    "rounds": ("common/ rounds/ host/experiment/", VALUES + r"|boost/math/distributions/students_t\.hpp"),
    "coordinator/core": ("common/ rounds/ host/experiment/ host/config/overrides.hpp coordinator/core/", VALUES),
    "coordinator/results": ("common/ rounds/ host/experiment/ host/files/ host/program/build.hpp host/result.hpp "
                            "coordinator/core/ coordinator/results/",
                            VALUES + r"|filesystem|boost/json\.hpp|fmt/format\.h"),
    "coordinator/store": ("common/ rounds/ host/ coordinator/core/ coordinator/store/",
                          OUTSIDE + r"|boost/json\.hpp|sqlite3\.h"),
    "coordinator/provisioning": ("common/ host/ coordinator/core/revoked_ids.hpp coordinator/provisioning/",
                                 OUTSIDE + r"|openssl/.*|fmt/format\.h"),
    "coordinator/setup": ("common/ host/ coordinator/provisioning/ coordinator/store/ coordinator/setup/",
                          OUTSIDE + r"|pwd\.h|fmt/format\.h"),
    "coordinator/service": ("common/ rounds/ host/ coordinator/", OUTSIDE + r"|fmt/format\.h|boost/json\.hpp"),
    "coordinator/backup": ("common/ host/ coordinator/backup/ coordinator/service/settings.hpp coordinator/store/",
                           OUTSIDE + r"|boost/json\.hpp"),
    "coordinator/doctor": ("common/ host/ coordinator/doctor/ coordinator/provisioning/ "
                           "coordinator/service/settings.hpp coordinator/store/", OUTSIDE + "|" + SOCKETS),
    "coordinator/http": ("common/ host/ coordinator/http/",
                         OUTSIDE + r"|openssl/(err|ssl)\.h|boost/(asio|beast|json|system)/.*"),
    "coordinator/client": ("common/ host/ coordinator/client/",
                           OUTSIDE + r"|openssl/(err|ssl)\.h|boost/(asio|beast)/.*"),
    "coordinator/api": ("common/ rounds/ host/ coordinator/", OUTSIDE + r"|fmt/format\.h|boost/json\.hpp"),
    "coordinator/gateway": ("common/ rounds/ host/ coordinator/", OUTSIDE + r"|fmt/format\.h"),
    "coordinator/ctl": ("common/ rounds/ host/ coordinator/", OUTSIDE + r"|fmt/format\.h|boost/json\.hpp"),
    "simulations": ("common/ edge/ host/ rounds/ coordinator/core/ coordinator/results/ simulations/",
                    OUTSIDE + r"|boost/json.*\.hpp|fmt/format\.h"),
    "simulations/cli": ("common/ edge/ host/ rounds/ coordinator/core/ coordinator/results/ coordinator/store/ "
                        "simulations/", OUTSIDE + r"|boost/json.*\.hpp|fmt/format\.h"),
    "simulations/compare": ("common/ host/ rounds/ coordinator/results/ simulations/",
                            OUTSIDE + r"|boost/math/distributions/(binomial|normal)\.hpp|fmt/format\.h"),
    "simulations/learning": ("common/ host/ rounds/ coordinator/core/ coordinator/results/ simulations/",
                             OUTSIDE + "|" + C + "|" + SIMD + r"|boost/json\.hpp|fmt/format\.h"),
    "simulations/mpi": ("simulations/", VALUES + r"|mpi\.h"),
    "simulations/sweep": ("common/ host/ rounds/ coordinator/core/ coordinator/results/ simulations/",
                          OUTSIDE + r"|boost/json\.hpp|fmt/format\.h"),
}


def room_of(path):
    """coordinator/include/skink/coordinator/core/x.hpp belongs to the room coordinator/core."""
    name = re.sub(r"^(\w+)/include/skink/\1/", r"\1/", str(path.relative_to(ROOT)))
    parts = name.split("/")[:-1]
    while parts and "/".join(parts) not in ROOMS:
        parts.pop()
    return "/".join(parts)


def check_includes():
    looked, used = 0, set()
    for path in sources(*LAYERS):
        room, name = room_of(path), path.relative_to(ROOT)
        used.add(room)
        ours, others = ROOMS.get(room, ("", ""))
        for header in includes(path):
            looked += 1
            kind, header = header[0], header[1:]
            if header.startswith("skink/"):
                allowed = any(header.startswith("skink/" + prefix) for prefix in ours.split())
            elif kind == '"':  # beside it, or in another folder of its layer
                allowed = (path.parent / header).exists() or (ROOT / path.relative_to(ROOT).parts[0] / header).exists()
            else:
                allowed = re.fullmatch(others, header)
            check(allowed, f"{name} includes {header}: the room {room} may not")
    check(used == set(ROOMS), f"rooms without sources: {set(ROOMS) - used}")
    print(f"includes: {looked} in {len(ROOMS)} rooms")


def check_circles():
    """No room needs another that needs it, by whatever way."""
    needs = defaultdict(set)
    for path in sources(*LAYERS):
        for header in includes(path):
            if header[1:].startswith("skink/") and not header.endswith(".pb.h"):
                target = header[1:].removeprefix("skink/")
                layer = target.split("/")[0]
                needs[room_of(path)].add(room_of(ROOT / layer / "include/skink" / target))
    done, walking = set(), []

    def walk(room):
        if room in walking:
            check(False, f"rooms in a circle: {' -> '.join(walking[walking.index(room):] + [room])}")
            return
        if room in done:
            return
        walking.append(room)
        for other in sorted(needs[room] - {room}):
            if not room.startswith(other + "/") and not other.startswith(room + "/"):
                walk(other)
        walking.pop()
        done.add(room)

    for room in sorted(needs):
        walk(room)
    print(f"circles: {sum(len(n) for n in needs.values())} edges between rooms")


# Names that a convention gives: one main.cpp per program, one board.cpp per board, a configuration that mbedTLS looks for, and
# what makes a folder a package of Python.
SHARED_NAMES = {"main.cpp", "board.cpp", "skink_mbedtls_config.h", "__init__.py"}


def check_names():
    places = defaultdict(list)
    for path in sources(*LAYERS, "tests", "cmake", "scripts", suffixes=(".hpp", ".cpp", ".h", ".py", ".sh")):
        if "corpus" not in path.parts:
            places[path.name].append(str(path.relative_to(ROOT)))
    for name, paths in places.items():
        check(len(paths) == 1 or name in SHARED_NAMES, f"one name, several files: {paths}")
    print(f"names: {len(places)} files")


MOST_LINES, MOST_FUNCTION_LINES = 400, 60


def functions(text):
    """First line and length of each function of a formatted source: from the statement that ends with an opening brace after
    a parameter list, to the closing brace in the same column. That of a lambda is below the line where it begins, wherever
    its statement does."""
    lines, is_lambda = text.split("\n"), re.compile(r"(^|[ (,{])\[[\w&=*, ]*\] ?[({]")
    for i, line in enumerate(lines):
        if not re.search(r"[)}](?: const| noexcept| override| mutable)*(?: -> [\w:<>]+)? \{$", line):
            continue
        first = i
        while not is_lambda.search(lines[first]) and first > 0 and re.search(r"[^;{}:/ ]$", lines[first - 1]) and not re.match(r"\s*(//|#|public:)", lines[first - 1]):
            first -= 1
        if re.match(r"\s*(\}? ?else|if|for|while|switch|do|catch|try|namespace|struct|class|enum)\b", lines[first]):
            continue
        indent = len(lines[first]) - len(lines[first].lstrip())
        for end in range(i + 1, len(lines)):
            if lines[end].startswith(" " * indent + "}"):
                yield first + 1, end - first + 1
                break


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check_sizes():
    files = [p for p in sources(*LAYERS, "tests", "scripts", suffixes=(".hpp", ".cpp", ".h", ".py", ".sh", ".txt", ""))
             if p.is_file() and "corpus" not in p.parts and "__pycache__" not in p.parts]
    looked = 0
    for path in files:
        text, name = path.read_text(), path.relative_to(ROOT)
        lines = text.count("\n")
        check(lines <= MOST_LINES, f"{name} has {lines} lines: look for the second idea")
        is_python = path.suffix == ".py" or text.startswith("#!/usr/bin/env python3") or text.startswith("#!/usr/bin/python3")
        found = python_functions(text) if is_python else functions(text) if path.suffix in (".cpp", ".hpp") else ()
        for line, length in found:
            looked += 1
            check(length <= MOST_FUNCTION_LINES, f"{name}:{line}: a function of {length} lines")
    print(f"sizes: {len(files)} files, {looked} functions")


check_includes()
check_circles()
check_names()
check_sizes()
finish()
