"""Instructions of a Cortex-M4 image, and an estimate of their cycles.

The timings are those of Arm's Cortex-M4 Technical Reference Manual (100166), "Instruction set summary" and "FPU instruction
set table", for memory without wait states. What the manual leaves to circumstances is bracketed:

    low    a taken branch refills the pipeline in 1 cycle, neighbouring loads and stores overlap, IT is folded away
    high   a refill takes 3, nothing overlaps after a store, a VLDM of one register never overlaps, IT takes 1
"""

import re
import subprocess
from collections import namedtuple

Instruction = namedtuple("Instruction", "address size name operands function kind cycles single result sources store "
                         "integer_result address_registers")

FUSED = re.compile(r"vfn?m[as]\b")  # VFMA, VFMS, VFNMA, VFNMS: another rounding
CHAINED = re.compile(r"vn?ml[as]\b")  # VMLA, VMLS, VNMLA, VNMLS: the same bits, but 3 cycles
KINDS = [  # (what the mnemonic matches, kind, cycles; None: 1 + registers)
    (r"v(ldm|stm|push|pop)", "load/store multiple", None),
    (r"vldr", "load", 2),
    (r"vstr", "store", 2),
    (r"v(fn?m|n?ml)[as]", "VMLA", 3),
    (r"v(div|sqrt)", "VDIV", 14),
    (r"v(add|sub|n?mul|neg|abs|cvt|cmp)", "float", 1),
    (r"v", "move", 1),
    (r"ldrd|strd", "load/store multiple", 3),
    (r"(ldm|stm|push|pop)", "load/store multiple", None),
    (r"ldr", "load", 2),
    (r"str", "store", 1),
    (r"[su]div", "integer", 7),  # 2 to 12
    (r"it[te]*$", "IT", 1),
    (r"tb[bh]", "branch", 3),
    (r"b(?!ic|f[ci]|kpt)|cb", "branch", 1),
    (r"", "integer", 1),
]


def registers(operands):
    """How many words a register list holds."""
    count = 0
    for part in re.search(r"{(.*)}", operands).group(1).split(","):
        bounds = [int(number) for number in re.findall(r"[rsd](\d+)", part)]
        words = 2 if part.strip().startswith("d") else 1
        count += words * (bounds[-1] - bounds[0] + 1 if len(bounds) == 2 else 1)
    return count


def describe(address, size, name, operands, function):
    base = name.split(".")[0]
    kind, cycles = next((kind, cycles) for pattern, kind, cycles in KINDS if re.match(pattern, base))
    parts = [part.strip(" {}") for part in operands.split(",")]
    listed = registers(operands) if cycles is None else 0
    if base == "vmov" and re.search(r"\b(r\d+|sl|fp|ip|lr)\b", operands):
        cycles = 2  # between the FPU and the core
    single = 1 if kind in ("load", "store") else 2 if listed == 1 and base.startswith(("vldm", "vstm")) else 0
    arithmetic = kind in ("float", "VMLA", "VDIV")
    compares = base.startswith("vcmp")
    bracket = re.search(r"\[(.*?)\]", operands)
    if bracket:
        addressed = set(re.split(r",\s*", bracket.group(1)))
    else:
        addressed = {parts[0].rstrip("!")} if re.match(r"v?(ldm|stm)", base) else set()
    return Instruction(
        address, size, name, operands, function, kind, cycles or 1 + listed, single,
        result=parts[0] if arithmetic and not compares else None,
        sources=set(parts if compares or base.startswith(("vstr", "vstm")) else parts[1:]),
        store=base.startswith(("st", "vst", "push", "vpush")),
        integer_result=parts[0] if kind == "integer" and not re.match(r"cm[pn]|tst|teq", base) else None,
        address_registers=addressed)


def disassemble(elf):
    """The instructions of a file by address; functions with their C++ names."""
    listing = subprocess.run(["arm-none-eabi-objdump", "-dC", elf], check=True, capture_output=True, text=True).stdout
    found, function = {}, ""
    for line in listing.splitlines():
        if header := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            function = header.group(1)
        elif code := re.match(r"\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t([a-z]\S*)\s*(.*)$", line):
            address, size = int(code.group(1), 16), len(code.group(2).replace(" ", "")) // 2
            operands = re.split(r"[;@<]", code.group(4))[0].strip()
            found[address] = describe(address, size, code.group(3), operands, function)
    return found


def estimate(before, this, after, low):
    """Cycles of one executed instruction between its neighbours (addresses; `before` and `after` may be None)."""
    cycles = this.cycles
    if before and this.single and before.single and cycles == 2:
        overlaps = low or (this.single == before.single == 1 and not before.store)
        cycles -= 1 if overlaps else 0
    if this.kind == "IT" and low:
        cycles = 0
    if after is not None and after.address != this.address + this.size:
        cycles += 1 if low else 3
    if before and before.result and before.result in this.sources:
        cycles += 1  # a result of the FPU is ready one cycle later
    if before and before.integer_result and before.integer_result in this.address_registers:
        cycles += 1
    return cycles
