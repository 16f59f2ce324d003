"""What the structure tests share: where the tree is, which sources it has, and the failures that were found."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
LAYERS = ("common", "edge", "firmware", "host", "rounds", "coordinator", "simulations")

_failures = []


def check(condition, message):
    if not condition:
        _failures.append(message)


def sources(*folders, suffixes=(".hpp", ".cpp")):
    """An empty look is a failure, so that a moved folder cannot pass by silence."""
    found = [p for folder in folders for p in sorted((ROOT / folder).rglob("*"))
             if p.suffix in suffixes and "third_party" not in p.parts]
    check(found, f"no sources below {folders}")
    return found


def includes(path):
    """Each with the quote or bracket that it begins with."""
    return re.findall(r'^\s*#\s*include\s*([<"][^>"]+)[>"]', path.read_text(), re.M)


def finish():
    """Prints what failed and ends the program."""
    for failure in _failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if _failures else 0)
