#!/usr/bin/env python3
"""What packages bring beside programs, as this build installs it: units and how far they are closed off, configuration,
manual pages, completion; and the version number, which is one. Packages themselves: scripts/check-packages."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SKINK_BUILD_DIR"])
BIN = pathlib.Path(os.environ["SKINK_BIN_DIR"])
VERSION = sys.argv[1]
PROGRAMS = {"skink-coordinator": "skink-coordinator", "skink-edge": "skink-edge", "skink-sim": "skink-sim",
            "skinkctl": "skink-tools"}
MOST_EXPOSURE = 2.0  # of systemd-analyze security: 0 is closed, 10 is open
failures = []


def check(is_right, text):
    if not is_right:
        failures.append(text)
        print(f"FAILED: {text}")


def output_of(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout


def check_versions():
    for program in PROGRAMS:
        code, said = output_of(BIN / program, "--version")
        check(code == 0 and said == f"{program} {VERSION}\n", f"{program} --version says {said!r}")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    check(re.search(rf"^## {re.escape(VERSION)}\b", changelog, re.M), f"CHANGELOG.md has no section {VERSION}")
    check(len(set(re.findall(r"^project\(\w+ VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M))) == 1, "several versions")


def install(prefix):
    for component in sorted(set(PROGRAMS.values())):
        code, said = output_of("cmake", "--install", BUILD, "--prefix", prefix / component, "--component", component)
        check(code == 0, f"cmake --install --component {component}: {said}")
    for program, component in PROGRAMS.items():
        check((prefix / component / "bin" / program).exists(), f"component {component} has no {program}")
    others = [p.name for p in prefix.rglob("bin/*")]
    check(sorted(others) == sorted(PROGRAMS), f"installed programs: {others}")


def check_units(prefix):
    units = sorted(prefix.rglob("*.service"))
    check([u.name for u in units] == ["skink-coordinator.service", "skink-coordinator@.service", "skink-edge@.service"],
          f"units: {units}")
    for unit in units:
        text = unit.read_text()
        check("@" not in re.sub(r"skink-\w+@|^.*SystemCallFilter=.*$", "", text, flags=re.M), f"{unit.name}: a placeholder is left")
        for line in ("Type=notify", "Restart=on-failure", "WantedBy=multi-user.target", "UMask=0077"):
            check(f"\n{line}\n" in text, f"{unit.name} lacks {line}")
        for word in ("WatchdogSec", "StartLimitBurst", "MemoryMax", "LimitNOFILE", "ConditionPathExists", "StateDirectory"):
            check(f"\n{word}=" in text, f"{unit.name} lacks {word}=")
    instance = (prefix / "skink-coordinator/lib/systemd/system/skink-coordinator@.service").read_text()
    for line in ("StateDirectory=skink/%i", "RuntimeDirectory=skink/%i", "ConditionPathExists=/etc/skink/%i/coordinator.toml"):
        check(f"\n{line}\n" in instance, f"skink-coordinator@.service lacks {line}")
    if shutil.which("systemd-analyze") is None:
        print("SKIPPED: how far the units are closed off: systemd-analyze is not installed")
        return
    for unit in units:
        # Programs and manual pages where the unit names them are in the packages only.
        alone = pathlib.Path(prefix) / unit.name
        alone.write_text(re.sub(r"^Documentation=.*\n", "", re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M), flags=re.M))
        code, said = output_of("systemd-analyze", "verify", "--man=no", alone)
        check(code == 0 and unit.name not in said, f"systemd-analyze verify {unit.name}: {said}")
        code, said = output_of("systemd-analyze", "security", "--offline=true", alone, env={**os.environ, "SYSTEMD_EMOJI": "0"})
        figure = re.search(r"Overall exposure level for .*: ([\d.]+)", said)
        check(figure and float(figure.group(1)) <= MOST_EXPOSURE, f"{unit.name}: exposure {said[-200:]}")
        print(f"{unit.name}: exposure {figure.group(1) if figure else '?'}, at most {MOST_EXPOSURE}")


def check_configuration(prefix):
    for package in ("skink-coordinator", "skink-edge"):
        folder = ROOT / "packaging/debian" / package
        listed = (folder / "conffiles").read_text().split()
        installed = ["/" + str(p.relative_to(prefix / package)) for p in (prefix / package / "etc").rglob("*") if p.is_file()]
        check(sorted(listed) == sorted(installed), f"{package}: conffiles {listed}, installed {installed}")
        for script in ("postinst", "prerm", "postrm"):
            code, said = output_of("sh", "-n", folder / script)
            check(code == 0 and os.access(folder / script, os.X_OK), f"{package}/{script}: {said}")
    example = prefix / "skink-coordinator/share/doc/skink-coordinator/examples/coordinator.toml"
    code, said = output_of(BIN / "skink-coordinator", "--config", example, "--check-config")
    check(code in (3, 5) and "master.key" in said, f"the example is refused for another reason than that the keys are absent: {said}")


def tree_of(program):
    code, said = output_of(BIN / program, "--print-command-tree")
    rows = [line.split("\t") for line in said.splitlines()]
    check(code == 0 and rows, f"{program} --print-command-tree: {said}")
    return [r[1] for r in rows if r[0] == "command"], [(r[1], r[2]) for r in rows if r[0] == "option"]


def check_tree(program):
    """The tree has what the help of each command has, which CLI11 writes."""
    commands, options = tree_of(program)
    for command in commands:
        code, said = output_of(BIN / program, *command.split()[1:], "--help")
        check(code == 0, f"{command} --help: {said}")
        listed = re.findall(r"^  (\S+)", said.partition("Subcommands:\n")[2], re.M)
        below = [c.split()[-1] for c in commands if c.rsplit(" ", 1)[0] == command and c != command]
        check(listed == below, f"'{command}' has the commands {below}, in its help {listed}")
        named = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", said.partition("Subcommands:\n")[0], re.M))
        own = {n for c, names in options if c == command for n in names.split(",") if n.startswith("--")}
        check(named == own, f"'{command}' has the options {own}, in its help {named}")


def check_manual(prefix):
    for program, component in PROGRAMS.items():
        check_tree(program)
        page = prefix / component / "share/man/man1" / f"{program}.1"
        text = page.read_text().replace("\\-", "-")
        commands, options = tree_of(program)
        for command in commands:
            check(f"\\fB{command}\\fR" in text, f"{program}.1 says nothing of '{command}'")
        for command, names in options:
            if names.startswith("-"):
                check(all(f"\\fB{name}\\fR" in text for name in names.split(",")), f"{program}.1: '{command}' has {names}")
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "FILES", "EXAMPLES", "EXIT STATUS", "SEE ALSO"):
            check(f"\n.SH {section}\n" in text, f"{program}.1 has no {section}")
        if shutil.which("man"):
            code, said = output_of("man", "--warnings", "-l", page, env={**os.environ, "LC_ALL": "C.UTF-8", "MANPAGER": "cat", "MANWIDTH": "80"})
            warnings = re.findall(r"^.*: warning.*", said, re.M)
            check(code == 0 and not warnings, f"man {page.name}: {warnings[:3]}")
            check(f"{program} - " in said and "\\f" not in said, f"man {page.name} is not set: {said[:300]}")
        else:
            print("SKIPPED: how the manual pages are set: man is not installed")


BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
"_${1//-/_}"
printf '%s\n' "${COMPREPLY[@]}"
"""
ZSH = r"""
_describe() { print -l -- ${${(P)2}%%:*} }
_files() { print FILES }
compadd() { print -l -- ${(P)2} }
_of_file() { source "$file" }
file=$1; shift
words=("$@"); CURRENT=$#
_of_file
"""


def completed(shell, script, file, line):
    code, said = output_of(shell, *(["--norc", "--noprofile"] if shell == "bash" else ["-f"]), "-c", script, "-", file, *line)
    check(code == 0, f"{shell} completion of {line}: {said}")
    return said.split()


def check_completion(prefix):
    def bash(*line):
        return completed("bash", BASH, prefix / PROGRAMS[line[0]] / "share/bash-completion/completions" / line[0], line)

    for program in PROGRAMS:
        commands, options = tree_of(program)
        for command in commands:
            words = command.split()
            below = {c.split()[-1] for c in commands if c.rsplit(" ", 1)[0] == command and c != command}
            own = {n for c, names in options if c == command and names.startswith("-") for n in names.split(",")}
            check(below <= set(bash(*words, "")) or not below, f"bash: commands of '{command}': {bash(*words, '')}")
            check(set(bash(*words, "-")) == own, f"bash: options of '{command}': {bash(*words, '-')}")
    check(bash("skinkctl", "ru") == ["runs"], f"skinkctl ru: {bash('skinkctl', 'ru')}")
    check(bash("skinkctl", "runs", "que") == ["queue"], "skinkctl runs que")
    check("--release" in bash("skinkctl", "runs", "queue", "--group", "stop", "--re"), "a value is taken for a command")
    check(bash("skinkctl", "runs", "queue", "--group", "") == [], "the value of an option is not free")
    if shutil.which("zsh") is None:
        print("SKIPPED: completion in zsh: it is not installed")
        return
    for program, component in PROGRAMS.items():
        file = prefix / component / "share/zsh/vendor-completions" / f"_{program}"
        commands, options = tree_of(program)
        for command in commands:
            words = command.split()
            below = {c.split()[-1] for c in commands if c.rsplit(" ", 1)[0] == command and c != command}
            own = {n for c, names in options if c == command and names.startswith("-") for n in names.split(",")}
            check(not below or set(completed("zsh", ZSH, file, [*words, ""])) == below, f"zsh: commands of '{command}'")
            check(set(completed("zsh", ZSH, file, [*words, "-"])) == own, f"zsh: options of '{command}'")


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    check_versions()
    install(work)
    check_units(work)
    check_configuration(work)
    check_manual(work)
    check_completion(work)
print(f"version {VERSION}, units, configuration, manual pages, completion: {len(failures)} failures")
sys.exit(1 if failures else 0)
