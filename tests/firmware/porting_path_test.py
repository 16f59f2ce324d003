#!/usr/bin/env python3
"""docs/porting.md, "From the clone to a fleet of one": types its blocks, in order and in one shell, in an empty folder with a
fresh clone of this tree, and compares what each prints with the block below it. Three things are other than in the document: the clone is of
this checkout with its changes, the programs of the host are those of this build, and the port is a free one."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
BIN = Path(os.environ["SKINK_BIN_DIR"])
THIRD_PARTY = ROOT / "firmware/third_party"
HEADING = "## From the clone to a fleet of one\n"
PORT = "18885"
MARK = "=== printed ==="
LIMIT_S = 420


def end(code, *lines):
    print(*lines, sep="\n", flush=True)
    sys.exit(code)


def blocks():
    """(what is typed, what is printed), in the order of the document."""
    text = (ROOT / "docs/porting.md").read_text()
    section = text[text.index(HEADING):].split("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```\n```text\n(.*?)^```\n", section, re.M | re.S)
    if len(found) < 5 or section.count("```sh") != len(found):
        end(1, f"FAILED: {len(found)} blocks with what they print, of {section.count('```sh')}")
    return found


def replaced(text, old, new):
    if old not in text:
        end(1, f"FAILED: the document does not say any more: {old}")
    return text.replace(old, new)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def script(found, folder):
    """One shell for all blocks. It ends with the first command that fails, and with it what was started."""
    port = free_port()
    lines = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    typed = [command.replace(PORT, port) for command, _ in found]
    typed[0] = replaced(typed[0], "git clone SKINK skink", f"git clone -q {folder}/tree skink")
    typed[0] = replaced(typed[0], "skink/scripts/build > build.log 2>&1", f"mkdir -p skink/build/release && ln -s {BIN} skink/build/release/bin")
    # The sources are this checkout's: nothing is fetched, and --list shows that the clone takes them as they are.
    typed[0] = replaced(typed[0], "skink/scripts/fetch-firmware-deps\n",
                        f"cp -r {folder}/third_party skink/firmware/ && skink/scripts/fetch-firmware-deps\n")
    for command in typed:
        lines += [command.rstrip(), f"echo '{MARK}'"]
    return "\n".join(lines) + "\n"


def clone_with_changes(folder):
    """A repository whose HEAD is this checkout as it stands, changes and new files included."""
    tree = folder / "tree"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, tree], check=True)
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"], check=True, capture_output=True)
    for name in sorted(set(listed.stdout.decode().split("\0")) - {""}):
        (tree / name).unlink(missing_ok=True)
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    git = ["git", "-C", tree, "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "as it stands"], check=True)


def main():
    for program in ("git", "cmake", "ninja", "arm-none-eabi-gcc", "qemu-system-arm", "mosquitto"):
        if shutil.which(program) is None:
            end(0, f"SKIPPED: the path of docs/porting.md: {program} is not installed")
    if subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True).returncode:
        end(0, "SKIPPED: the path of docs/porting.md: this is no git checkout")
    for name in ("lwip", "mbedtls", "nanopb"):
        if not (THIRD_PARTY / name / ".sha256").exists():
            end(0, f"SKIPPED: the path of docs/porting.md: scripts/fetch-firmware-deps has not brought {name}")
    found = blocks()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        clone_with_changes(folder)
        (folder / "third_party").mkdir()
        for name in ("lwip", "mbedtls", "nanopb"):
            shutil.copytree(THIRD_PARTY / name, folder / "third_party" / name, symlinks=True)
        empty = folder / "empty"
        empty.mkdir()
        (folder / "typed.sh").write_text(script(found, folder))
        # In a session of its own, so that all of it can be ended. What ccache knows of an earlier run counts, wherever that was.
        shell = subprocess.Popen(["bash", folder / "typed.sh"], cwd=empty, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True, env=os.environ | {"CCACHE_BASEDIR": str(empty), "CCACHE_NOHASHDIR": "1"})
        try:
            output, _ = shell.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, 15)
            end(1, f"FAILED: it takes more than {LIMIT_S} s", shell.communicate()[0])
        if shell.returncode:
            logs = [f"{log.name}: {log.read_text()[-600:]}" for log in sorted(empty.glob("*.log"))]
            end(1, f"FAILED: a command ended with {shell.returncode}", output, *logs)
    printed = output.split(MARK + "\n")[:-1]
    for (command, wanted), got in zip(found, printed):
        print(got, end="")
        for line in wanted.splitlines():
            if not any(one.startswith(line) for one in got.splitlines()):
                end(1, f"FAILED: the document says that this is printed: {line}", f"after: {command}")
    if len(printed) != len(found):
        end(1, f"FAILED: {len(printed)} of {len(found)} blocks were typed")
    print(f"{len(found)} blocks typed, in a fresh clone")


main()
