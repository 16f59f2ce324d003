"""docs/arithmetic.md, section 10: tasks. A task is (support samples, query samples), a sample (network input, target or
label)."""

import json
import math
import pathlib

import numpy as np

from .elementary import sin
from .floats import HALF, F, network_input
from .partition import deal_out
from .random_bits import SAMPLE, TASK, between, permute
from .strategies import STRATEGIES


class Sine:
    def __init__(self, experiment, network, data, bits):
        task = experiment["task"]
        self.network = network
        self.amplitude = [F(x) for x in task.get("amplitude", (0.1, 5.0))]
        self.phase = [F(x) for x in task.get("phase", (0.0, 6.2831853))]
        self.input = [F(x) for x in task.get("input", (-5.0, 5.0))]

    def task(self, bits, side, t, k, place, sizes):
        purpose, (support_size, query_size) = side.purpose, sizes
        a = between(bits.word(TASK + purpose, t, k, 0), *self.amplitude)
        p = between(bits.word(TASK + purpose, t, k, 1), *self.phase)
        x0, x1 = self.input

        def sample(x):
            x = np.array([x])
            return network_input(x, self.network.scale, self.network.offset).reshape(1, 1, 1), a * sin(x + p)

        support = [between(bits.word(SAMPLE + purpose, t, k, i), x0, x1) for i in range(support_size)]
        query = [x0 + (x1 - x0) * ((F(i) + HALF) / F(query_size)) for i in range(query_size)]
        return [sample(x) for x in support], [sample(x) for x in query]

    def side(self, *settings):
        return Side(*settings)


class Side:
    """Meta-training (0) or evaluation (1); groups: of each its records, ascending."""

    def __init__(self, number, purpose, split, sizes, rotations, devices):
        self.number, self.purpose, self.split, self.sizes = number, purpose, split, sizes
        self.rotations, self.devices = rotations, devices
        self.groups = []


def want(size, n):
    if size == "all":
        return n
    return min(n, size) if isinstance(size, int) else min(n, max(1, math.floor(size * float(n))))


def shares(sizes, n, has_support=True):
    """k and q of a class with n records."""
    support, query = sizes
    k = want(support, n) if has_support else 0
    if query == 0:
        return k, 0
    if has_support and k == n and n >= 2:
        k = n - 1
    return k, min(want(query, n), n - k)


class DataSet:
    SPLITS = {"train": 0, "validation": 1, "test": 2}

    def __init__(self, experiment, network, data, bits):
        self.experiment, self.network, self.bits = experiment, network, bits
        self.config, self.fleet = experiment["task"], experiment["fleet"]
        folder = pathlib.Path(data) / self.config["dataset"]
        self.x, self.classes, self.clients, splits = (
            np.load(folder / f"{name}.npy") for name in ("x", "class", "client", "split"))
        self.splits = splits.copy()
        self.loss = experiment["model"]["loss"]
        self.classifies = self.loss in ("softmax_cross_entropy", "multiclass_hinge")
        self.learns_from_query = STRATEGIES[experiment["meta"]["strategy"]].learns_from_query
        self.permutes = self.config.get("labels", "fixed") == "permuted"
        self.by_time = self.config.get("order", "random") == "time"
        if self.by_time:
            self.time = np.load(folder / "time.npy")
        if self.loss == "mean_squared_error":
            scale, offset = (F(self.config.get(key, default)) for key, default in
                             (("target_scale", 1.0), ("target_offset", 0.0)))
            self.targets = np.load(folder / "target.npy") * scale + offset
        self.choose_classes(folder)

    # ------------------------------------------------------------------------------------- who has which records

    def named(self, folder, name):
        names = json.loads((folder / "dataset.json").read_text()).get("class_names", [])
        if str(name) in names:
            return names.index(str(name))
        return int(name)

    def choose_classes(self, folder):
        labels = np.unique(self.classes)
        if "classes" in self.config:
            labels = np.array(sorted(self.named(folder, name) for name in self.config["classes"]))
        self.taking_part = labels
        self.normal = self.named(folder, self.config["normal"]) if "normal" in self.config else None
        moved = self.config.get("validation_classes", 0)
        if moved:
            training = [c for c in np.unique(self.classes[self.splits == 0]) if c in labels]
            self.splits = np.where((self.splits == 0) & np.isin(self.classes, training[-moved:]), 1, self.splits)

    def side(self, *settings):
        side = Side(*settings)
        records = np.flatnonzero((self.splits == self.SPLITS[side.split]) & np.isin(self.classes, self.taking_part))
        partition = self.fleet.get("partition", "natural")
        default_group = "class" if self.permutes else "client"
        if side.number == 0 and self.experiment["meta"]["strategy"] == "central":
            dealt = [records]
        elif partition != "natural":
            outputs = np.searchsorted(self.taking_part, self.classes[records])
            dealt = deal_out(self.fleet, self.bits, side.number, side.devices, records, outputs, len(self.taking_part))
        elif self.config.get("group", default_group) == "class":
            dealt = [records]
        else:
            dealt = [records[self.clients[records] == client] for client in np.unique(self.clients[records])]
        side.groups = [group for group in dealt if len(group) >= self.config.get("min_records", 1)
                       and self.can_serve(side, group)]
        return side

    def ways_of(self, group):
        """The classes of a group: (label or place, records, whether they may be support)."""
        if self.classifies:
            return [(int(np.searchsorted(self.taking_part, c)), group[self.classes[group] == c], True)
                    for c in np.unique(self.classes[group])]
        if self.normal is None:
            return [(0, group, True)]
        is_normal = self.classes[group] == self.normal
        return [way for way in ((0, group[is_normal], True), (1, group[~is_normal], False)) if len(way[1])]

    def can_serve(self, side, group):
        if self.permutes:
            long_enough = [way for way in self.ways_of(group) if len(way[1]) >= sum(side.sizes)]
            return side.rotations * len(long_enough) >= self.ways()
        if self.by_time:
            support, query = map(len, self.sets_by_time(side, group))
        else:
            support, query = (sum(of) for of in zip(*(shares(side.sizes, len(records), supports)
                                                      for _, records, supports in self.ways_of(group))))
        return (support > 0 or side.sizes[0] == 0) and (query > 0 or (side.number == 0 and not self.learns_from_query))

    def ways(self):
        ways = self.config.get("ways", "all")
        return len(self.taking_part) if ways == "all" else ways

    # ----------------------------------------------------------------------------------------------------- draws

    def sample(self, record, turns, label):
        image = self.x[record]
        for _ in range(turns):
            assert image.shape[0] == image.shape[1]
            image = image[::-1].swapaxes(0, 1)                          # out[y][x] = in[n - 1 - x][y]
        x = network_input(image.ravel(), self.network.scale, self.network.offset).reshape(self.network.input)
        if self.classifies:
            return x, label
        return x, x.ravel() if self.loss == "reconstruction" else self.targets[record]

    def sets(self, side, group, t, k):
        """(record, turns, label) of support and query samples."""
        bits, purpose, ways = self.bits, side.purpose, self.ways_of(group)
        block = bits.block(TASK + purpose, t, k, 0)
        if self.permutes:
            ways = [way for way in ways if len(way[1]) >= sum(side.sizes)]
            drawn = [permute(w, side.rotations * len(ways), block) for w in range(self.ways())]
            drawn = [(w, v // len(ways), ways[v % len(ways)][1], side.sizes) for w, v in enumerate(drawn)]
        else:
            count = min(len(ways), self.ways()) if self.classifies else len(ways)
            chosen = ways if count == len(ways) else [ways[permute(w, len(ways), block)] for w in range(count)]
            drawn = [(label, 0, records, shares(side.sizes, len(records), supports))
                     for label, records, supports in chosen]
        samples = [[(records[permute(s, len(records), bits.block(SAMPLE + purpose, t, k, w))], turns, label)
                    for s in range(sum(share))] for w, (label, turns, records, share) in enumerate(drawn)]
        split = [share[0] for _, _, _, share in drawn]

        def dealt(parts):
            return [part[s] for s in range(max(map(len, parts))) for part in parts if s < len(part)]

        return dealt([way[:n] for way, n in zip(samples, split)]), dealt([way[n:] for way, n in zip(samples, split)])

    def sets_by_time(self, side, group):
        of = {record: (w, label, supports) for w, (label, records, supports) in enumerate(self.ways_of(group))
              for record in records}
        order = sorted(group, key=lambda record: (self.time[record], record))
        size, support, end, taken = side.sizes[0], [], 0, {}
        for place in range(len(order) if isinstance(size, int) else want(size, len(order))):
            w, label, supports = of[order[place]]
            if supports and not (isinstance(size, int) and taken.get(w, 0) >= size):
                taken[w] = taken.get(w, 0) + 1
                support.append((order[place], 0, label))
                end = place + 1
        rest = order[end + self.config.get("gap", 0):]
        query, taken = [], {}
        for record in rest if side.sizes[1] != 0 else []:
            w, label, _ = of[record]
            if taken.get(w, 0) < want(side.sizes[1], sum(of[other][0] == w for other in rest)):
                taken[w] = taken.get(w, 0) + 1
                query.append((record, 0, label))
        return support, query

    def task(self, bits, side, t, k, place, sizes):
        group = side.groups[place % len(side.groups)]
        sets = self.sets_by_time(side, group) if self.by_time else self.sets(side, group, t, k)
        return tuple([self.sample(*sample) for sample in samples] for samples in sets)


SOURCES = {"sine": Sine, "dataset": DataSet}
