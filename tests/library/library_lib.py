"""What the tests of scripts/package share: the folder itself, and how each core's compilers take it."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("SKINK_SOURCE_DIR", Path(__file__).resolve().parents[2]))
NANOPB = ROOT / "firmware/third_party/nanopb"
QEMU = ROOT / "tests/library/qemu"
JOBS = min(2, os.cpu_count() or 1)
# What Arduino cores pass, and nothing against contraction.
CXX_FLAGS = ["-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"]
SECTIONS = ["-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections"]
COMPUTES = re.compile(r"\b(float|double)\b")
FUSED = re.compile(r"^\s*[0-9a-f]+:\s.*\t(vfn?m[as]|fn?m(?:add|sub)|m(?:add|sub)\.s)\b", re.M)

FPU = {"m4": "fpv4-sp-d16", "m7": "fpv5-d16", "m33": "fpv5-sp-d16"}
ARM = {"m0plus": "cortex-m0plus", "m3": "cortex-m3", "m4": "cortex-m4", "m7": "cortex-m7", "m33": "cortex-m33"}
RISCV = {"rv32imac": "ilp32", "rv32imafc": "ilp32f"}
XTENSA = ["lx106"]  # the core of the ESP8266: no FPU
CORES = [*ARM, *RISCV, *XTENSA]
LEVELS = ["-Os", "-O2", "-O3"]
COMPILERS = ["gcc", "clang"]
MACHINES = {  # of QEMU: name, place and size of code, of RAM
    "m0plus": ("mps2-an385", 0, 0x400000, 0x20000000, 0x400000),  # a Cortex-M3, which runs the code of a Cortex-M0+ as it is
    "m3": ("mps2-an385", 0, 0x400000, 0x20000000, 0x400000),
    "m4": ("mps2-an386", 0, 0x400000, 0x20000000, 0x400000),
    "m7": ("mps2-an500", 0, 0x400000, 0x20000000, 0x400000),
    "m33": ("mps2-an505", 0x10000000, 0x200000, 0x10200000, 0x200000),
    "rv32imac": ("virt", 0x80000000, 0x200000, 0x80200000, 0x200000),
    "rv32imafc": ("virt", 0x80000000, 0x200000, 0x80200000, 0x200000),
    "lx106": ("sim", 0x50000000, 0x400000, 0x60000000, 0x400000),
}
EMULATORS = {"xtensa": ["qemu-system-xtensa", "-cpu", "lx106", "-semihosting"],
             "riscv": ["qemu-system-riscv32", "-bios", "none", "-semihosting-config", "enable=on,target=native"],
             "arm": ["qemu-system-arm", "-semihosting-config", "enable=on,target=native"]}


def skip(text):
    print(f"SKIPPED: {text}")
    sys.exit(0)


def make_package(folder):
    """The package below `folder`, or the end of the test where its sources were not fetched."""
    if not NANOPB.is_dir():
        skip("package of the library: scripts/fetch-firmware-deps has not run")
    out = Path(folder) / "skink"
    subprocess.run([sys.executable, ROOT / "scripts/lib/library_package.py", out], check=True, stdout=subprocess.PIPE)
    return out


def sources_of(package):
    return sorted(path.relative_to(package).as_posix() for path in (package / "src").rglob("*")
                  if path.suffix in (".cpp", ".c"))


def computing_sources(package):
    """Those that name floating point themselves."""
    return [name for name in sources_of(package)
            if name.endswith(".cpp") and COMPUTES.search((package / name).read_text())]


def family(core):
    return "arm" if core in ARM else "riscv" if core in RISCV else "xtensa"


def tool_prefix(core):
    return {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-", "xtensa": "xtensa-lx106-elf-"}[family(core)]


def c_library(core):
    """What says that the C library is picolibc."""
    return {"arm": [], "riscv": ["--specs=picolibc.specs"], "xtensa": ["--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs"]}[family(core)]


def core_flags(core):
    if core in XTENSA:
        return ["-mlongcalls", "-mtext-section-literals"]  # as its Arduino core has it
    if core in RISCV:
        return [f"-march={core}", f"-mabi={RISCV[core]}", "-mcmodel=medany"]
    return [f"-mcpu={ARM[core]}", "-mthumb"] + (["-mfloat-abi=hard", f"-mfpu={FPU[core]}"] if core in FPU else
                                                ["-mfloat-abi=soft"])


def libc_includes(core):
    """The folder of the C library's headers that gcc for this core takes, for clang."""
    shown = subprocess.run([tool_prefix(core) + "gcc", *c_library(core), *core_flags(core), "-E", "-v", "-x", "c", "/dev/null"],
                           capture_output=True, text=True, check=True).stderr
    folders = shown.split("search starts here:")[-1].split("End of search")[0].split()
    return next(folder for folder in folders if (Path(folder) / "string.h").exists() and (Path(folder) / "math.h").exists())


def compiler(core, kind, language):
    """The command, or None where there is none."""
    if kind == "clang":
        command = shutil.which("clang++-14" if language == "c++" else "clang-14")
        target = "arm-none-eabi" if core in ARM else "riscv32-unknown-elf"
        if not command or core in XTENSA or not shutil.which(tool_prefix(core) + "gcc"):
            return None
        command = [command, f"--target={target}", "-isystem", libc_includes(core), *core_flags(core)]
    else:
        command = shutil.which(tool_prefix(core) + ("g++" if language == "c++" else "gcc"))
        if not command or (core in XTENSA and not Path(c_library(core)[0].split("=")[1]).exists()):
            return None
        command = [command, *c_library(core), *core_flags(core)]
    cache = shutil.which("ccache")
    return [cache, *command] if cache else command


def compile_sources(package, names, out, commands, flags):
    """Objects below `out`; (objects, findings): what a compiler says of a source, warnings too, is a finding. From inside
    of the package, so that ccache knows a source again wherever the package is."""
    out.mkdir(parents=True, exist_ok=True)

    def run(name):
        is_c = name.endswith(".c")
        target = out / (re.sub(r"\W", "_", name) + ".o")
        own = [] if is_c else [*CXX_FLAGS, *commands.get("standard", [])]
        command = [*commands["c" if is_c else "c++"], *own, *flags, "-Isrc", "-c", name, "-o", target]
        done = subprocess.run(command, cwd=package, capture_output=True, text=True)
        said = (done.stdout + done.stderr).strip()
        return target, f"{name}: {said[:600]}" if said or done.returncode else None

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        found = list(pool.map(run, names))
    return [target for target, _ in found], [finding for _, finding in found if finding]


def fused_instructions(core, objects):
    listing = subprocess.run([tool_prefix(core) + "objdump", "-d", *objects], capture_output=True, text=True, check=True)
    return len(FUSED.findall(listing.stdout))


def link_and_run(package, objects, core, out, flags):
    """The image of qemu/board.cpp with these objects, run in QEMU: (exit status, its console); None where QEMU lacks."""
    machine, code, code_bytes, ram, ram_bytes = MACHINES[core]
    emulator = EMULATORS[family(core)]
    if not shutil.which(emulator[0]):
        return None
    if core not in RISCV:
        places = {"board_code": code, "board_code_bytes": code_bytes, "board_ram": ram, "board_ram_bytes": ram_bytes}
        start = ["--specs=nano.specs" if core in ARM else c_library(core)[0], "-nostartfiles", "-T",
                 QEMU / ("board.ld" if core in ARM else "lx106.ld")]
    else:
        places = {"__flash": code, "__flash_size": code_bytes, "__ram": ram, "__ram_size": ram_bytes}
        start = ["--specs=picolibc.specs", "--crt0=minimal"]
    defines = [f"-Wl,--defsym={name}={value}" for name, value in places.items()]
    elf = out / "board.elf"
    if core in XTENSA:
        rom = out / "rom.o"
        subprocess.run([tool_prefix(core) + "gcc", *c_library(core), *core_flags(core), "-O2", "-c", QEMU / "lx106_rom.c", "-o", rom], check=True)
        objects = [*objects, rom]
    linked = subprocess.run([tool_prefix(core) + "gcc", *core_flags(core), *CXX_FLAGS, "-O2", *flags, "-Isrc", f"-I{QEMU}",
                             QEMU / "board.cpp", *objects, *start, "-Wl,--gc-sections", *defines, "-lm", "-o", elf],
                            cwd=package, capture_output=True, text=True)
    if linked.returncode != 0:
        return linked.returncode, linked.stderr[-2000:]
    done = subprocess.run([*emulator, "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none", "-kernel", elf],
                          capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr
