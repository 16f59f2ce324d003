#!/usr/bin/env python3
"""What a check of scripts/conformance quotes stands in the document that it names, and docs/conformance.md lists it."""

import os
import pathlib
import re
import sys

SOURCE = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
sys.path.insert(0, str(SOURCE / "scripts/lib/conformance"))

try:
    import coordinator_checks
    import device_checks
    import device_learning
    import device_releases
except ModuleNotFoundError as error:
    print(f"SKIPPED: the quotes of scripts/conformance: {error}")
    sys.exit(0)


def plain(text):
    return " ".join(text.split())


def section_of(name, number=""):
    """The text of a document, or of its section before the dot."""
    text = (SOURCE / "docs" / name).read_text()
    section = number.split(".")[0]
    return plain(text.split(f"\n## {section}. ", 1)[1].split("\n## ", 1)[0] if section else text)


def main():
    checks = [*device_checks.CHECKS, *device_learning.CHECKS, *device_releases.CHECKS, *coordinator_checks.CHECKS]
    rows = [row.split("|")[1] for row in (SOURCE / "docs/conformance.md").read_text().splitlines() if row.startswith("|")]
    listed = {word.split()[0] for cell in rows for word in re.findall("`([^`]+)`", cell)}
    wrong = []
    for check in checks:
        if plain(check.quote) not in section_of(*check.section.split()):
            wrong.append(f"{check.name}: {check.section} does not say \"{plain(check.quote)}\"")
        if check.name.split()[0] not in listed:
            wrong.append(f"{check.name}: docs/conformance.md does not list it")
    for line in wrong:
        print(f"FAILED: {line}")
    print(f"{len(checks)} checks quote the documents")
    return 1 if wrong or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
