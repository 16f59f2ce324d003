#!/usr/bin/env python3
"""Each description in the folder of scripts/package follows the rules of its format; Kconfig is read by kconfiglib. A folder in
which something is wrong, one thing at a time, shows that a rule is one."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import format_rules
from library_lib import ROOT, make_package, sources_of

try:
    import kconfiglib
except ImportError:
    kconfiglib = None

WRONG = [  # (file, what stands there, what is written instead)
    ("library.properties", "name=Skink", "name=Skink library"),
    ("library.properties", "version=", "version=v"),
    ("library.properties", "category=Data Processing", "category=Learning"),
    ("library.properties", "architectures", "Architectures"),
    ("library.properties", "includes=Skink.h", "includes=skink.hpp"),
    ("keywords.txt", "Skink\tKEYWORD1", "Skink KEYWORD1"),
    ("library.json", '"version": "', '"version": "0'),
    ("library.json", '"homepage"', '"home"'),
    ("library.json", '"meta-learning"', '"Meta-Learning"'),
    ("library.json", '"srcDir": "src"', '"srcDir": "source"'),
    ("idf_component.yml", "dependencies:", "depends:"),
    ("idf_component.yml", "extras/esp-idf", "extras/makefile"),
    ("idf_component.yml", 'idf: ">=5.1"', 'idf: {git: "x"}'),
    ("zephyr/module.yml", "kconfig: zephyr/Kconfig", "kconfig: zephyr"),
    ("zephyr/module.yml", "samples:", "sample:"),
    ("zephyr/samples/selftest/tests.yaml", "type: one_line", "type: line"),
    ("zephyr/samples/selftest/tests.yaml", "sample.skink.selftest", "selftest"),
    ("CMakeLists.txt", "    \"src/skink/edge/client.cpp\"\n", ""),
    ("CMakeLists.txt", "REQUIRES mbedtls", "NEEDS mbedtls"),
    ("zephyr/CMakeLists.txt", "edge/client.cpp", "edge/no_client.cpp"),
    ("zephyr/CMakeLists.txt", "-ffp-contract=off", ""),
    ("Kconfig", "default 4096", "default 2048"),
    ("zephyr/Kconfig", "depends on CPP", "depends on"),
    ("zephyr/samples/selftest/prj.conf", "CONFIG_SKINK=y", "CONFIG_SKINKS=y"),
    ("Skink.Skink.pdsc", "<vendor>Skink", "<vendor>Another"),
    ("Skink.Skink.pdsc", 'Dcore="Cortex-M0+"', 'Dcore="Cortex-M0plus"'),
    ("Skink.Skink.pdsc", 'condition="Skink"', 'condition="skink"'),
    ("Skink.Skink.pdsc", "<url>", "<!-- "),
    ("Skink.Skink.pdsc", "src/skink/edge/client.cpp", "src/skink/edge/no_client.cpp"),
]


def options_of_code():
    text = (ROOT / "edge/include/skink/edge/config.hpp").read_text()
    return {name.replace("SKINK_EDGE_", "SKINK_"): value for name, value in re.findall(r"#define (SKINK_EDGE_\w+) (\d+)", text)}


def kconfig(folder):
    """ESP-IDF's and Zephyr's options: read without a warning, with the defaults of the code; the sample's choice takes effect."""
    os.environ["srctree"] = str(folder)
    tops = {"Kconfig": "", "zephyr/Kconfig": "config CPP\n\tbool \"C++\"\nconfig STD_CPP17\n\tbool \"C++17\"\nconfig MBEDTLS\n\tbool\n"
                                            "config MAIN_STACK_SIZE\n\tint \"stack\"\n\tdefault 1024\n"}
    for name, before in tops.items():
        top = folder.parent / "Kconfig.top"
        top.write_text(f'{before}source "{folder / name}"\n')
        options = kconfiglib.Kconfig(str(top), warn_to_stderr=False)
        if before:
            options.load_config(str(folder / "zephyr/samples/selftest/prj.conf"))
        yield from (f"{name}: {warning}" for warning in options.warnings)
        for option, value in options_of_code().items():
            found = options.syms.get(option)
            if found is None or found.str_value != value:
                yield f"{name}: {option} is {found and found.str_value}, in the code {value}"
        if before and options.syms["SKINK"].str_value != "y":
            yield f"{name}: the sample does not switch Skink on"


def findings(folder, sources):
    yield from format_rules.arduino(folder)
    yield from format_rules.platformio(folder)
    yield from format_rules.esp_idf(folder)
    yield from format_rules.zephyr(folder)
    defaults = [f"-DCONFIG_{name}={value}" for name, value in options_of_code().items()]
    yield from format_rules.cmake_file(folder, "CMakeLists.txt", sources, "-DCOMPONENT_LIB=skink", *defaults)
    yield from format_rules.cmake_file(folder, "zephyr/CMakeLists.txt", sources, "-DCONFIG_SKINK=y", *defaults)
    yield from format_rules.cmsis_pack(folder, sources)
    if kconfiglib:
        yield from kconfig(folder)


def check_same_version(folder):
    version = re.search(r"project\(skink VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    for name in ("library.properties", "library.json", "idf_component.yml", "Skink.Skink.pdsc", "README.md"):
        if version not in (folder / name).read_text():
            yield f"{name} has another version than {version}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = make_package(name)
        sources = sources_of(folder)
        wrong = list(findings(folder, sources)) + list(check_same_version(folder))
        if not kconfiglib:
            print("SKIPPED: Kconfig of the package: python3-kconfiglib is not installed")
        missed = []
        for file, before, after in WRONG:
            if not kconfiglib and ("Kconfig" in file or file.endswith(".conf")):
                continue
            text = (folder / file).read_text()
            spoilt = text.replace(before, after, 1)
            (folder / file).write_text(spoilt)
            try:
                found = spoilt != text and list(findings(folder, sources))
            except Exception as problem:  # a parser of the format refuses
                found = [problem]
            if not found:
                missed.append(f"{file}: '{after}' for '{before}' is not found")
            (folder / file).write_text(text)
        shutil.rmtree(folder)
    for finding in wrong + missed:
        print(f"FAILED: {finding}")
    print(f"formats: {len(wrong)} findings; {len(WRONG) - len(missed)} of {len(WRONG)} spoilt files are found")
    sys.exit(1 if wrong or missed else 0)


main()
