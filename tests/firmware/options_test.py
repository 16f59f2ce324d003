#!/usr/bin/env python3
"""Every option that the firmware's configurations of lwIP and mbedTLS set is one that the pinned source knows.

An option that a version has renamed does nothing, in silence. Needs SKINK_SOURCE_DIR.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
SOURCES = ROOT / "firmware/third_party"
CONFIGURATIONS = [  # (file, source)
    ("firmware/net/config/lwipopts.h", "lwip/src"),
    ("firmware/net/config/skink_mbedtls_config.h", "mbedtls"),
    ("cmake/host32/skink_mbedtls_config.h", "mbedtls"),
    ("cmake/psa36/skink_mbedtls_config.h", "mbedtls"),
]

failed = 0
for name, source in CONFIGURATIONS:
    folder = SOURCES / source
    if not folder.is_dir():
        print(f"SKIPPED: {name}: scripts/fetch-firmware-deps has not brought {source}")
        continue
    text = (ROOT / name).read_text()
    options = re.findall(r"^#define (\w+)", text, re.MULTILINE)
    assert len(options) > 5, f"{name} sets nothing"
    known = set()
    for path in [*folder.rglob("*.h"), *folder.rglob("*.c")]:
        known.update(re.findall(r"\w+", path.read_text(errors="replace")))
    unknown = [option for option in options if option not in known and not option.startswith("SKINK_")]
    for option in unknown:
        print(f"FAILED: {name}: {source} does not know {option}")
    print(f"{name}: {len(options)} options, {len(unknown)} unknown")
    failed += len(unknown)
sys.exit(1 if failed else 0)
