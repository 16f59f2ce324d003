#!/usr/bin/env python3
"""A console that takes no more text delays a device and does not stop it: the self-test ends, and says so by its exit status,
while nobody reads what it writes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ["SKINK_SOURCE_DIR"])
IMAGE = ROOT / "build/firmware-mps2-an386/skink-selftest.elf"

if shutil.which("qemu-system-arm") is None or not IMAGE.exists():
    print(f"SKIPPED: firmware for mps2-an386: qemu-system-arm or {IMAGE.relative_to(ROOT)} is absent")
    sys.exit(0)
reader, writer = os.pipe()
os.set_blocking(writer, False)
filled = 0
try:
    while True:
        filled += os.write(writer, b"\n" * 4096)
except BlockingIOError:
    pass
command = [ROOT / "scripts/qemu-device", "--image", IMAGE]
process = subprocess.Popen(command, stdout=writer, stdin=subprocess.DEVNULL)
try:
    status = process.wait(60)
except subprocess.TimeoutExpired:
    process.kill()
    process.wait()
    sys.exit(f"FAILED: the device still waits for a console that {filled} bytes have filled")
if status != 0:
    sys.exit(f"FAILED: the self-test ended with {status}")
print(f"the self-test passed with {filled} bytes unread before its own")
