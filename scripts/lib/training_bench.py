"""The benchmark of firmware/apps/bench: the nets that it trains, and what it prints."""

import collections
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/firmware-mps2-an386"
IMAGE = BUILD / "skink-bench.elf"

# Title, input, layers, loss.
NETS = {
    "dense-64-32-10": ("dense 64-32-10, ReLU", (1, 1, 64), ["dense 32", "relu", "dense 10"], "softmax cross-entropy"),
    "sine-tanh": ("sine 1-32-32-1, tanh", (1, 1, 1), ["dense 32", "tanh", "dense 32", "tanh", "dense 1"], "squared error"),
    "sine-relu": ("sine 1-32-32-1, ReLU", (1, 1, 1), ["dense 32", "relu", "dense 32", "relu", "dense 1"], "squared error"),
    "omniglot-conv": ("conv 28x28-8-16-5, ReLU", (28, 28, 1), ["conv 8", "relu", "conv 16", "relu", "flatten", "dense 5"],
                      "softmax cross-entropy"),
}

Layer = collections.namedtuple("Layer", "name forward backward")  # multiply-accumulates of both directions
Step = collections.namedtuple("Step", "parameters steps least median most")
Encoding = collections.namedtuple("Encoding", "codec bytes encode copying leave")
Scope = collections.namedtuple("Scope", "net scope moved new known")  # instructions of a step; known: None without a frozen trunk


def taps(extent):
    """3 wide, every second cell, "same": output extent, and taps inside the image over all outputs."""
    out = (extent + 1) // 2
    pad = max(2 * (out - 1) + 3 - extent, 0) // 2
    return out, sum(0 <= 2 * o + k - pad < extent for o in range(out) for k in range(3))


def layers_of(shape, specifications):
    """The layers of a net, and how many parameters it has."""
    found, parameters = [], 0
    for specification in specifications:
        kind, _, units = specification.partition(" ")
        height, width, channels = shape
        directions = 2 if parameters else 1  # update; the input gradient only above parameters
        if kind == "dense":
            inputs, outputs = height * width * channels, int(units)
            found.append(Layer(f"dense {inputs} to {outputs}", inputs * outputs, directions * inputs * outputs))
            parameters += (inputs + 1) * outputs
            shape = (1, 1, outputs)
        elif kind == "conv":
            (rows, row_taps), (columns, column_taps), filters = taps(height), taps(width), int(units)
            products = row_taps * column_taps * channels * filters
            found.append(Layer(f"conv 3x3, {height}x{width}x{channels} to {rows}x{columns}x{filters}", products,
                               directions * products))
            parameters += (9 * channels + 1) * filters
            shape = (rows, columns, filters)
        else:
            found.append(Layer(kind, 0, 0))
            shape = (1, 1, height * width * channels) if kind == "flatten" else shape
    return found, parameters


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **options).stdout


def emulator(*arguments):
    return [str(ROOT / "scripts/qemu-device"), "--image", str(IMAGE), "--clock", "none", "--", "-icount", "shift=6", *arguments]


def steps_of(console):
    """What the benchmark printed: name -> Step, of the first steps and of the many."""
    rows = [(words[1], Step(*map(int, words[2:7]))) for words in map(str.split, console.splitlines()) if words[:1] == ["step"]]
    return {n: s for n, s in rows if s.steps == 1}, {n: s for n, s in rows if s.steps > 1}


def encodings_of(console):
    """What the benchmark printed of codecs."""
    rows = [words for words in map(str.split, console.splitlines()) if words[:1] == ["codec"]]
    return [Encoding(words[1], *map(int, words[2:6])) for words in rows]


def scopes_of(console):
    """What the benchmark printed of steps of which a part of the network moves."""
    rows = [words for words in map(str.split, console.splitlines()) if words[:1] == ["scope"]]
    return [Scope(words[1], words[2], int(words[3]), int(words[4]), None if words[5] == "-" else int(words[5])) for words in rows]


def measure():
    """Whole steps, by the stopwatch of the benchmark."""
    console = run(*emulator(), timeout=120)
    _, steps = steps_of(console)
    if list(steps) != list(NETS):
        sys.exit(f"{IMAGE.name} ran {', '.join(steps)}; this script knows {', '.join(NETS)}")
    return steps, encodings_of(console), scopes_of(console)
