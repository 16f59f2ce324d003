#!/usr/bin/env python3
"""The codecs of common/codec and codec.py, which share no code: the same bytes, the same decoded numbers, the same
residual, to the bit, and the same refusals.

    codec_test.py [SEED [ROUNDS]]         needs SKINK_BIN_DIR (tests/codec_program); another seed draws other cases


Every codec that there is meets changes of all kinds, and encodings that are damaged, made by chance, or sound but not
what the encoder would have chosen.
"""

import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np

import codec as codecs
from codec import F, Random, Refused
from reference import Bits

QUANTIZERS = [*codecs.LEVELS, "float32", "sign", "eden", *(f"eden:{bits}" for bits in (0, 1, 2, 3, 4, 5, 12)), "int2"]
FRACTIONS = ("topk:0.01+", "topk:0.05+", "topk:0.333333+", "topk:0.45+", "topk:0.7+", "topk:1+")
# Inputs, then units:mask of dense layers (bit 0: weights train, bit 1: bias). Most are small: there are many codecs.
NETWORKS = ["1 1:1", "1 1:3", "2 1:1", "3 1:1", "16 1:1", "17 1:1", "15 1:3", "129 1:1", "255 1:1", "255 1:3",
            "256 1:1", "256 1:3", "257 1:1", "3 4:3,5:3,1:3", "3 4:3,5:1,1:2", "7 9:2,8:1,1:3", "2 20:0,13:3,1:1",
            "40 8:1,40:2,1:3", "1 1:3,1:3,1:3,1:3", "64 9:3", "300 3:1,2:3"]
LARGE = ["1 32:3,32:3,1:3", "512 2:1,1:3", "1152 1:3"]


# ---------------------------------------------------------------------------------------------------------- Names

def all_texts():
    """Everything that the grammar could make, allowed or not."""
    options = ("", ":block"), ("", ":nearest"), ("", "+range"), ("", "+ef")
    return ["".join(parts) for parts in itertools.product(("", FRACTIONS[0]), QUANTIZERS, *options)]


def damaged_texts(names, random):
    fractions = ("0", "1", "0.5", "0.000001", "0.0000001", "0.123456", "0.1234567", "0.50", "1.0", "1.5", "2", ".5",
                 "00.5", "0.", "", "-0.1", "+1", "0,5", "0.000000", "10", "1e-3", "0.5 ", " 0.5", "\u0660.5")
    texts = ["", " ", "int8 ", " int8", "INT8", "int8+ef+range", "int8:nearest:block", "int8:block:block", "int8+ef+ef",
             "int8\n", "topk:0.1+", "topk:0.1", "topk+int8", "eden:", "eden:1:block", "eden:01", "eden:1.0", "+ef",
             "range", "topk:0.1+topk:0.1+int8", "int8+", "int8:", "int8:nearest+", "x" * 39, "int8" + "+ef" * 12]
    texts += [f"topk:{fraction}+{quantizer}" for fraction in fractions for quantizer in ("int8", "float32+ef")]
    for _ in range(300):
        text = list(names[random.integers(len(names))])
        for _ in range(random.integers(1, 3)):
            place = int(random.integers(len(text) + 1))
            text[place:place + int(random.integers(2))] = random.choice(list("topk:0.1+int84ernayblcgdfs2356 ")) if (
                random.integers(2)) else ""
        texts.append("".join(text))
    return texts


def is_name(text):
    try:
        codecs.parse(text)
    except Refused:
        return False
    return True


# ---------------------------------------------------------------------------------------------------------- Cases

def sizes_of(network):
    """Of all tensors, and which are trainable."""
    inputs, layers = network.split()
    inputs, result = int(inputs), []
    for layer in layers.split(","):
        units, mask = map(int, layer.split(":"))
        result += [(inputs * units, bool(mask & 1)), (units, bool(mask & 2))]
        inputs = units
    return result


def signs(random, n):
    return random.choice([-1.0, 1.0], n)


def spike(random, n):
    x = np.zeros(n)
    x[random.integers(n)] = random.uniform(-100, 100) * 10.0 ** random.integers(-38, 38)
    return x


def halves(most):
    """Halfway between levels up to `most`."""
    return lambda random, n: np.append(random.integers(-2 * most, 2 * most + 1, n - 1) / 2, most) * (
        1 + random.integers(256) / 256)


def magnitudes(random, n, low, high):
    return signs(random, n) * 2.0 ** random.uniform(low, high, n)


CHANGES = {
    "normal": lambda random, n: random.standard_normal(n) * 0.01,
    "heavy": lambda random, n: random.standard_normal(n) ** 5,
    "sparse": lambda random, n: random.standard_normal(n) * (random.random(n) < 0.05),
    "zero": lambda random, n: np.zeros(n),
    "minus zero": lambda random, n: np.where(random.random(n) < 0.9, -0.0, random.standard_normal(n)),
    "spike": spike,
    "ties": lambda random, n: signs(random, n),
    "nearly ties": lambda random, n: signs(random, n) * random.uniform(1, 1 + 2.0 ** -8, n),
    "between scales": lambda random, n: signs(random, n) * (1 + (1 + 2 * random.integers(256)) * 2.0 ** -9),
    "few": lambda random, n: random.choice([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0], n) * 2.0 ** random.integers(-130, 127),
    "halves of 127": halves(127),
    "halves of 7": halves(7),
    "halves of 1": halves(1),
    "denormal": lambda random, n: magnitudes(random, n, -149, -126),
    "smallest": lambda random, n: magnitudes(random, n, -128, -118),
    "border": lambda random, n: signs(random, n) * random.choice(
        [0, 2.0 ** -149, 2.0 ** -126 * (1 - 2.0 ** -23), 2.0 ** -126], n),
    "huge": lambda random, n: random.uniform(-1, 1, n) * 3.4028234e38,
    "largest": lambda random, n: signs(random, n) * random.choice([3.4028234e38, 3.4028e38, 3.39e38], n),
    "wide": lambda random, n: magnitudes(random, n, -149, 127.9),
    "fading": lambda random, n: random.standard_normal(n) * 2.0 ** -(np.arange(n) / 8 % 160),
    "infinite": lambda random, n: np.where(
        np.arange(n) == random.integers(n), random.choice([np.inf, -np.inf, np.nan]), 1.0),
    "nothing then dense": lambda random, n: random.standard_normal(n) * (np.arange(n) >= n // 2),
    "dense then nothing": lambda random, n: random.standard_normal(n) * (np.arange(n) < n // 3),
}

SPECIAL = [("topk:1+ternary", "20000 1:1", "normal"),                   # a count of three bytes
           # 481 and 963: where the Rice parameter changes
           ("topk:0.481+ternary", "1000 1:1", "normal"), ("topk:0.4815+ternary", "2000 1:1", "normal"),
           *3 * [(f"topk:0.01+{name}", "257 1:1", "nearly ties") for name in ("int8", "int4", "int8:nearest")],
           *4 * [(name, "16 1:1", "between scales") for name in ("sign", "topk:0.45+ternary")],
           *3 * [(f"{name}:nearest", "129 1:1", f"halves of {most}") for name, most in codecs.LEVELS.items()],
           ("topk:1+float32", "17 1:1", "border")]
# Two numbers whose rotation falls onto a threshold of eden.
ON_THRESHOLD = {"eden:2": "3f8d6c67 3ca512d6", "eden:3": "3fcc3793 bda7c0a7", "eden:4": "3fa6af6e be0c82ec"}
# Seeds of 16 numbers that have another scale if a sum of eden has another order: N or D from left to right, neighbours
# of the eight partial sums first, or neighbours of the four. Found by trying, with the key 0, 0, 0.
SUM_ORDERS = {"eden:1": (4380, 37295, 51034, 54247), "eden:1+ef": (28278, 36141, 63035)}


def exact_changes():
    for name, numbers in ON_THRESHOLD.items():
        yield name, "2 1:1", np.frombuffer(bytes.fromhex(numbers), ">f4")
    for name, seeds in SUM_ORDERS.items():
        for seed in seeds:
            yield name, "16 1:1", np.random.RandomState(seed).standard_normal(16)


class Case:
    def __init__(self, name, network, kind, random, exact=None):
        self.title = f"{name}, {network}, {kind}"
        self.name, self.network, self.codec = name, network, codecs.parse(name)
        tensors = sizes_of(network)
        self.sizes = [size for size, trainable in tensors if trainable]
        trains = np.repeat([trainable for _, trainable in tensors], [size for size, _ in tensors])
        n = sum(self.sizes)
        self.key = 0, 0, 0
        self.phi, self.w, self.residual = np.full(len(trains), F(0.5)), np.full(len(trains), F(0.5)), None
        self.phi[trains] = 0
        if exact is not None:
            self.w[trains] = exact.astype(F)
        else:
            self.w[trains] = CHANGES[kind](random, n).astype(F)
            self.vary(trains, kind, random)
        self.x = self.w[trains] - self.phi[trains]
        if self.residual is not None:
            self.x = self.x + self.residual
        self.random = Random(Bits(self.key[0]), *self.key[1:])
        self.encoded, self.foreign = None, []
        if not np.all(np.isfinite(self.x)):
            return
        self.encoded = codecs.encode(self.codec, self.x, self.sizes, self.random)
        self.foreign = damaged(self.encoded, random) + self.by_chance(random)
        if self.codec.ppm:
            self.foreign += self.other_selections(random)
        elif self.codec.range:
            self.foreign += self.other_choices()

    def vary(self, trains, kind, random):
        n = np.count_nonzero(trains)
        self.key = int(random.integers(2 ** 63)), int(random.integers(2 ** 32)), int(random.integers(2 ** 32))
        if random.integers(4) == 0:
            self.key = int(random.integers(3)), int(random.integers(3)), int(random.integers(3))
        if kind in ("normal", "heavy", "sparse") and random.integers(2):
            self.phi[trains] = random.standard_normal(n).astype(F) * F(1e-3)
        if self.codec.ef and random.integers(4):
            self.residual = random.standard_normal(n).astype(F) * np.median(np.abs(self.w[trains]))

    def by_chance(self, random):
        count = len(self.encoded)
        garbage = random.integers(256, size=count, dtype=np.uint8).tobytes()
        few = random.choice([0, 1, 5, 127, 128, 255], count).astype(np.uint8).tobytes()
        return [garbage[:1] and self.encoded[:1] + garbage[1:], self.encoded[:1] + few[1:]]

    def other_choices(self):
        """Coded though it is longer, and plain though that is."""
        coded = [codecs.group_codes(self.codec, self.x[first:first + count], first, self.random)
                 for first, count in codecs.groups(self.codec, self.sizes)]
        plain = codecs.encode_dense(self.codec._replace(range=False), self.x, self.sizes, self.random)
        return [b"\1" + codecs.encode_range(self.codec, coded), b"\0" + plain, b"\2" + plain]

    def other_selections(self, random):
        """Every mode, numbers of survivors that are not allowed, levels of nothing."""
        n, width = len(self.x), codecs.VALUE_WIDTH[self.codec.quantizer]
        k = codecs.survivor_count(self.codec, n)
        most = codecs.LEVELS.get(self.codec.quantizer)
        result = [bytes([mode]) + rest for mode in (0, 1, 31, 0xFE, 0xFF) for rest in (b"\0", b"\0\0", b"\x80\0")]
        for m in {1, k, min(k + 1, n), n}:
            at = np.sort(random.choice(n, m, replace=False)).tolist()
            if self.codec.quantizer == "ternary":
                q = signs(random, m).astype(int).tolist()
            elif most:
                q = random.integers(-most, most + 1, m).tolist()
            else:
                q = codecs.bits_of(self.x[at]).tolist()
            values = [int(value < 0) for value in q] if self.codec.quantizer == "ternary" else q
            scale = b"" if not most else bytes([int(random.integers(256)), int(random.integers(1, 127))])
            count = codecs.written_count(m)
            bodies = [(b, codecs.rice(at, values, width, b)) for b in (0, 1, 5, 30) if m * n < 10 ** 5 or b > 2]
            bodies += [(0xFF, codecs.bitmap(at, values, width, n))]
            if most:
                bodies += [(0xFE, codecs.encode_topk_range(self.codec, dict(zip(at, q)), n))]
            result += [bytes([mode]) + count + scale + body for mode, body in bodies]
            mode, body = bodies[int(random.integers(len(bodies)))]
            result += [bytes([mode]) + codecs.written_count(m - 1) + scale + body,
                       bytes([mode]) + codecs.written_count(m + 1) + scale + body,
                       bytes([mode]) + bytes([m & 0x7F | 0x80, m >> 7 | 0x80, 0]) + scale + body,
                       bytes([mode]) + count + b"\0\0" * bool(scale) + body]
        return result

    def line(self):
        return " ".join(["change", self.name, *map(str, self.key), self.network, *map(hex_of, (
            self.w, self.phi, self.residual)), *(data.hex() or "-" for data in self.foreign)])

    def decoded(self, data):
        try:
            return codecs.decode(self.codec, data, self.sizes, self.random)
        except Refused:
            return None

    def differences(self, answer):
        encoded, decoded, left, *foreign = answer.split()
        if self.encoded is None:
            return [] if encoded == "not-finite" else ["a change that is not finite was encoded"]
        if encoded != self.encoded.hex():
            return [f"encoded {encoded}", f"instead {self.encoded.hex()}"]
        y = self.decoded(self.encoded)
        found = different("decoded", decoded, y) + different("left", left, self.x - y)
        for data, got in zip(self.foreign, foreign, strict=True):
            found += different(f"from {data.hex() or '-'}", got, self.decoded(data))
        return found


def hex_of(numbers):
    return "-" if numbers is None or len(numbers) == 0 else numbers.astype(">f4").tobytes().hex()


def different(what, got, wanted):
    """What differs. A zero has no sign (docs/arithmetic.md, section 1)."""
    if got == "refused" or wanted is None:
        return [] if got == "refused" and wanted is None else [
            f"{what}: " + ("refused, decoded here" if got == "refused" else "decoded, refused here")]
    got = np.frombuffer(bytes.fromhex("" if got == "-" else got), ">f4").astype(F)
    places = np.flatnonzero(codecs.bits_of(got + codecs.ZERO) != codecs.bits_of(wanted + codecs.ZERO))
    return [f"{what}: {len(places)} differ, number {i} is {got[i]!r}, here {wanted[i]!r}" for i in places[:1]]


def damaged(data, random):
    result = [data[:-1], data + b"\0", data + b"\1", b""]
    for _ in range(6):
        changed = bytearray(data)
        for _ in range(random.integers(1, 3)):
            place = int(random.integers(min(len(data), 12 if random.integers(2) else len(data))))
            changed[place] ^= 1 << int(random.integers(8))
        result.append(bytes(changed))
    last = bytearray(data)                                              # what is left of the last byte
    last[-1] ^= 0x80
    return [*result, bytes(last), data[:int(random.integers(len(data)))]]


def cases(names, random, rounds):
    kinds = list(CHANGES)
    for number, name in enumerate(names * rounds):
        name = name.replace(FRACTIONS[0], random.choice(FRACTIONS))
        networks = LARGE if number % 11 == 0 else NETWORKS
        yield Case(name, networks[random.integers(len(networks))], kinds[random.integers(len(kinds))], random)
    for name in names[::2]:
        yield Case(name, LARGE[0], "normal", random)
    for name, network, kind in SPECIAL:
        yield Case(name, network, kind, random)
    for name, network, x in exact_changes():
        yield Case(name, network, "exact", random, x)


# ------------------------------------------------------------------------------------------------------------ Main

def answers_of(program, lines):
    done = subprocess.run([program], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def main():
    seed, rounds = (int(value) for value in (sys.argv[1:] + ["2024", "6"][len(sys.argv) - 1:]))
    random = np.random.default_rng(seed)
    program = pathlib.Path(os.environ["SKINK_BIN_DIR"]) / "tests/codec_program"
    texts = all_texts()
    names = [text for text in texts if is_name(text)]
    texts += damaged_texts(names, random)
    every = list(cases(names, random, rounds))
    lines = [f"name {text.encode().hex() or '-'}" for text in texts] + [case.line() for case in every]
    answers = answers_of(program, lines)
    assert len(answers) == len(lines), "an answer is missing"

    failed = 0
    for text, answer in zip(texts, answers):
        if (answer == "ok") != is_name(text):
            print(f"FAILED: {text!r}: {answer}")
            failed += 1
    foreign = 0
    for case, answer in zip(every, answers[len(texts):]):
        foreign += len(case.foreign)
        differences = case.differences(answer)
        if differences:
            print(f"FAILED: {case.title}, seed, round, device {case.key}")
            for difference in differences[:8]:
                print(f"  {difference[:2000]}")
        failed += bool(differences)
    print(f"{len(texts)} texts of which {sum(map(is_name, texts))} are names; {len(every)} changes and {foreign} "
          f"further encodings with {len(names)} codecs; {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
