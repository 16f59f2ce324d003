"""A training step, instruction by instruction: which layer took how many, and an estimate of their cycles."""

import collections
import os
import re
import subprocess
import sys

from cortex_m4 import estimate
from training_bench import NETS, emulator, steps_of

MEASURING = 40  # instructions, at most: the call of a step, outside of what is traced but not of the stopwatch


class Trace:
    """One step of each net, instruction by instruction: how often each stood between which neighbours, by part of the step.
    A part is (phase, layer); a layer begins where the loop over layers compares the layer's kind."""

    def __init__(self, code):
        self.code = code
        self.names = {}
        for instruction in code.values():
            self.names.setdefault(instruction.function, instruction.address)
        self.entry = self.address(r"skink::nn::online_step\(")
        self.step_function = code[self.entry].function
        self.loss = self.address(r"float skink::nn::kernels::loss_gradient<")
        self.forward, self.backward = (self.address(rf"void skink::nn::kernels::{name}<float>\(")
                                       for name in ("forward", "backward"))
        self.switches = {self.switch(self.forward): "forward", self.switch(self.backward): "backward"}
        self.parts = {}  # net -> part -> (before, this, after) -> count

    def address(self, pattern):
        found = [address for name, address in self.names.items() if re.match(pattern, name)]
        if len(found) != 1:
            sys.exit(f"{len(found)} functions match '{pattern}', wanted 1: has the structure of common/nn changed?")
        return found[0]

    def switch(self, function):
        """Where the switch over the layer's kind compares: cmp, bhi, tbb."""
        body = [i for i in self.code.values() if i.function == self.code[function].function]
        tables = [n for n, i in enumerate(body) if i.name in ("tbb", "tbh")]
        if len(tables) != 1 or not body[tables[0] - 2].name.startswith("cmp"):
            sys.exit(f"no single switch in {body[0].function}: the layers cannot be told apart")
        return body[tables[0] - 2].address

    def filters(self):
        """The ranges of addresses that a step runs through, for QEMU."""
        wanted = re.compile(r"(\w+ )*skink::(nn::(kernels::|online_step)|arithmetic::generic::)|.*Target::value")
        ends = {i.function: i.address + i.size for i in self.code.values()}
        return ",".join(f"0x{begin:x}+0x{ends[name] - begin:x}" for name, begin in self.names.items() if wanted.match(name))

    def addresses(self, stream):
        """The executed addresses. A block that QEMU announces and then puts off is announced again."""
        pending, known = None, {}
        for line in stream:
            if line.startswith(b"Trace"):
                if pending is not None:
                    yield pending
                field = line.split(b"/", 2)[1]
                pending = known.get(field)
                if pending is None:
                    pending = known[field] = int(field, 16)
            elif line.startswith(b"Stopped"):
                pending = None
        if pending is not None:
            yield pending

    def read(self, stream):
        """Takes the first step of each net from a log of QEMU; true when the step after these began."""
        names, part, counts = iter(NETS), None, None
        before = this = None
        in_step = {i.address for i in self.code.values() if i.function == self.step_function}
        for address in self.addresses(stream):
            if this is not None:
                counts[part][before, this, address if address != self.entry else None] += 1
            before, this = this, address
            if address == self.entry:
                name = next(names, None)
                if name is None:
                    return True
                part, before = ("call", 0), None
                counts = self.parts[name] = collections.defaultdict(collections.Counter)
                layers = len(NETS[name][2])
            elif address in in_step or address in (self.forward, self.backward):
                part = ("call", 0)
            elif address == self.loss:
                part = ("loss", 0)
            elif phase := self.switches.get(address):
                first = 0 if phase == "forward" else layers - 1
                part = (phase, first if part[0] != phase else part[1] + (1 if phase == "forward" else -1))
        return False

    def run(self):
        """Runs the benchmark instruction by instruction until every net has had its step; the stopwatch's figures."""
        reading, writing = os.pipe()
        options = ["-singlestep", "-d", "exec,nochain", "-dfilter", self.filters(), "-D", f"/dev/fd/{writing}"]
        with subprocess.Popen(emulator(*options), stdout=subprocess.PIPE, text=True, pass_fds=[writing]) as process:
            os.close(writing)
            with os.fdopen(reading, "rb", buffering=1 << 20) as stream:
                is_complete = self.read(stream)
                process.kill()
            first, _ = steps_of(process.stdout.read())
        if not is_complete or list(first) != list(NETS):
            sys.exit("the emulator ended before every net had had its step")
        return first

    def instructions(self, net, *parts):
        return sum(sum(self.parts[net][part].values()) for part in parts)

    def cycles(self, net, low):
        return sum(count * estimate(self.code.get(before), self.code[this], self.code.get(after), low)
                   for part in self.parts[net].values() for (before, this, after), count in part.items())

    def kinds(self, net):
        mix = collections.Counter()
        for part in self.parts[net].values():
            for (_, this, _), count in part.items():
                mix[self.code[this].kind] += count
        return mix


def check_trace(trace, first):
    """The trace and the stopwatch counted the same step, and every layer was seen."""
    for net, step in first.items():
        traced, layers = trace.instructions(net, *trace.parts[net]), len(NETS[net][2])
        if not 0 <= step.least - traced <= MEASURING:
            sys.exit(f"{net}: {traced} instructions traced, {step.least} counted: something runs outside of the trace")
        seen = sorted(layer for phase, layer in trace.parts[net] if phase == "forward")
        if seen != list(range(layers)):
            sys.exit(f"{net}: layers {seen} of {layers} were seen")
