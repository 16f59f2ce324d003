#!/usr/bin/env python3
"""The table of docs/features.md, section 3, computed with features.py.

    feature_tables.py --check HEADER     compares a header with what is computed
    feature_tables.py --write HEADER     writes it
"""

import pathlib
import sys

import features


def literal(value):
    """Hexadecimal, so that no compiler rounds a decimal."""
    mantissa, exponent = float(value).hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent + "F"


def header():
    lines = ["#pragma once", "/// @file",
             "/// Cosines and sines of j / 1024 of a turn, j = 0..128: docs/features.md, section 3. Written by",
             "/// tests/golden/feature_tables.py --write; never by hand.", "",
             "namespace skink::features::twiddles {", "", "// clang-format off"]
    for name, values in (("kCosines", features.C), ("kSines", features.S)):
        lines.append(f"inline constexpr float {name}[129] = {{")
        words = [literal(value) for value in values]
        lines += ["    " + ", ".join(words[i:i + 8]) + "," for i in range(0, len(words) - 1, 8)]
        lines += [f"    {words[-1]}}};"]
    return "\n".join(lines + ["// clang-format on", "", "}  // namespace skink::features::twiddles", ""])


def main():
    action, path = sys.argv[1], pathlib.Path(sys.argv[2])
    text = header()
    if action == "--write":
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path} holds another table than the reference computes")
    else:
        print("the table agrees")


if __name__ == "__main__":
    main()
