"""docs/arithmetic.md, section 10: tasks. A task is (support samples, query samples), a sample (network input, target or
label)."""

import pathlib

import numpy as np

from .elementary import sin
from .floats import HALF, F, network_input
from .random_bits import SAMPLE, TASK, between, permute


class Sine:
    def __init__(self, task, network, data):
        self.network, self.ways = network, 1
        self.amplitude = [F(x) for x in task.get("amplitude", (0.1, 5.0))]
        self.phase = [F(x) for x in task.get("phase", (0.0, 6.2831853))]
        self.input = [F(x) for x in task.get("input", (-5.0, 5.0))]

    def task(self, bits, purpose, t, k, split, rotations, support_size, query_size):
        a = between(bits.word(TASK + purpose, t, k, 0), *self.amplitude)
        p = between(bits.word(TASK + purpose, t, k, 1), *self.phase)
        x0, x1 = self.input

        def sample(x):
            x = np.array([x])
            return network_input(x, self.network.scale, self.network.offset).reshape(1, 1, 1), a * sin(x + p)

        support = [between(bits.word(SAMPLE + purpose, t, k, i), x0, x1) for i in range(support_size)]
        query = [x0 + (x1 - x0) * ((F(i) + HALF) / F(query_size)) for i in range(query_size)]
        return [sample(x) for x in support], [sample(x) for x in query]


class FewShot:
    SPLITS = {"train": 0, "validation": 1, "test": 2}

    def __init__(self, task, network, data):
        folder = pathlib.Path(data) / task["dataset"]
        self.x, self.classes, self.clients, self.splits = (
            np.load(folder / f"{name}.npy") for name in ("x", "class", "client", "split"))
        self.network, self.ways = network, task["ways"]
        self.by_client = task.get("group", "class") == "client"
        moved = task.get("validation_classes", 0)
        if moved:
            training = np.unique(self.classes[self.splits == 0])
            self.splits = np.where((self.splits == 0) & np.isin(self.classes, training[-moved:]), 1, self.splits)

    def sample(self, record, turns, way):
        image = self.x[record]
        for _ in range(turns):
            assert image.shape[0] == image.shape[1]
            image = image[::-1].swapaxes(0, 1)                          # out[y][x] = in[n - 1 - x][y]
        return network_input(image, self.network.scale, self.network.offset).reshape(self.network.input), way

    def task(self, bits, purpose, t, k, split, rotations, support_size, query_size):
        chosen = self.splits == self.SPLITS[split]
        if self.by_client:
            clients = np.unique(self.clients[chosen])
            chosen = chosen & (self.clients == clients[k % len(clients)])
        classes = np.unique(self.classes[chosen])
        virtual = rotations * len(classes)
        assert self.ways <= virtual, "fewer classes than ways"
        block = bits.block(TASK + purpose, t, k, 0)
        samples = []                                                    # by way
        for w in range(self.ways):
            v = permute(w, virtual, block)
            records = np.flatnonzero(chosen & (self.classes == classes[v % len(classes)]))
            assert support_size + query_size <= len(records), "fewer records than samples"
            samples.append([
                self.sample(records[permute(s, len(records), bits.block(SAMPLE + purpose, t, k, w))],
                            v // len(classes), w) for s in range(support_size + query_size)])
        by_sample = [samples[w][s] for s in range(support_size + query_size) for w in range(self.ways)]
        return by_sample[:support_size * self.ways], by_sample[support_size * self.ways:]


SOURCES = {"sine": Sine, "dataset": FewShot}
