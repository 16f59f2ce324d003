"""docs/arithmetic.md, section 10: partitions deal records out to devices."""

import hashlib
import math
import struct

import numpy as np

from .elementary import cos, exp, log
from .floats import ONE, F
from .random_bits import PARTITION, permute, uniform

SHUFFLE = 2 ** 32 - 1


def log_gamma(alpha, bits, side, c, d):
    shape = alpha + ONE if ONE > alpha else alpha
    big = shape - F(0.33333334)
    small = ONE / np.sqrt(F(9) * big)
    accepted = ONE
    for i in range(32):
        words = bits.block(PARTITION, side, 1 + c, 32 * d + i)
        z = np.sqrt(F(-2) * log(ONE - uniform(words[0]))) * cos(F(6.2831853) * uniform(words[1]))
        t = ONE + small * z
        v = t * t * t
        if v > 0 and log(ONE - uniform(words[2])) < F(0.5) * z * z + big - big * v + big * log(v):
            accepted = v
            break
    value = log(big) + log(accepted)
    if ONE > alpha:
        value = value + log(ONE - uniform(bits.block(PARTITION, side, 1 + c, 32 * d)[3])) / alpha
    return value


def deal_out(fleet, bits, side, devices, records, outputs, classes):
    kind = fleet["partition"]
    dealt = [[] for _ in range(devices)]
    key = bits.block(PARTITION, side, 0, SHUFFLE)
    by_class = [[records[i] for i in range(len(records)) if outputs[i] == c] for c in range(classes)]
    shuffled = [[of[permute(i, len(of), bits.block(PARTITION, side, 1 + c, SHUFFLE))] for i in range(len(of))]
                for c, of in enumerate(by_class)]
    if kind == "iid":
        places = [records[permute(i, len(records), key)] for i in range(len(records))]
        weights = [{"equal": 1, "linear": d + 1, "square": (d + 1) ** 2}[fleet.get("sizes", "equal")]
                   for d in range(devices)]
        ends = [len(records) * sum(weights[:d]) // sum(weights) for d in range(devices + 1)]
        dealt = [places[ends[d]:ends[d + 1]] for d in range(devices)]
    elif kind == "classes":
        each = fleet["classes_per_device"]
        held = [[permute((d * each + j) % classes, classes, key) for j in range(each)] for d in range(devices)]
        for c in range(classes):
            holders = [d for d in range(devices) if c in held[d]]
            for i, d in enumerate(holders):
                n = len(shuffled[c])
                dealt[d] += shuffled[c][n * i // len(holders):n * (i + 1) // len(holders)]
    else:
        alpha = F(fleet["alpha"])
        for c in range(classes):
            if not shuffled[c]:
                continue
            is_open = [len(dealt[d]) * devices < len(records) for d in range(devices)]
            x = [log_gamma(alpha, bits, side, c, d) for d in range(devices)]
            largest = max(x[d] for d in range(devices) if is_open[d])
            sums, total = [], 0.0
            for d in range(devices):
                total += float(exp(x[d] - largest)) if is_open[d] else 0.0
                sums.append(total)
            begin, n = 0, len(shuffled[c])
            for d in range(devices):
                end = n if sums[d] == total else math.floor(n * (sums[d] / total))
                dealt[d] += shuffled[c][begin:end]
                begin = end
    for device in dealt:
        while len(device) < fleet.get("least_records", 10):
            donor = max(dealt, key=len)
            if donor is device:
                break
            device.append(donor.pop())
    return [np.array(sorted(device), dtype=np.int64) for device in dealt]


def partition_hash(sides):
    digest = hashlib.sha256()
    for groups in sides:
        digest.update(struct.pack("<I", len(groups)))
        for group in groups:
            digest.update(struct.pack(f"<I{len(group)}I", len(group), *group))
    return digest.hexdigest()
