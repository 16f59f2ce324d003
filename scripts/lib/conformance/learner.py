"""What a device and a coordinator compute, with tests/golden/reference.py and codec.py: docs/arithmetic.md, codec.md."""

import pathlib
import sys
import tomllib

import numpy as np

import wire

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests/golden"))

import codec as codecs  # noqa: E402
import reference  # noqa: E402
from reference import EVALUATION, ORDER, F  # noqa: E402

Refused = codecs.Refused


def left_out(task):
    """The tensors that the change of a task leaves out; with a query gradient it is of everything."""
    return 0 if task.change == 1 else task.frozen


class Model:
    """Parameters as a model file; `slot` is where its chunks are published."""

    def __init__(self, network, phi, slot=0):
        self.phi, self.slot = phi, slot
        self.file = network.model_file(phi)
        self.digest = self.file[-32:]


class Learner:
    """The computations of one experiment."""

    def __init__(self, experiment_file, data=None):
        with open(experiment_file, "rb") as file:
            self.experiment = tomllib.load(file)
        self.run = reference.Run(self.experiment, data or ".")
        self.network, self.bits, self.task, self.meta = (self.run.network, self.run.bits, self.run.task, self.run.meta)
        self.batch_size = self.meta.get("batch_size", 1)
        self.rate = float(F(self.meta["inner_learning_rate"]))
        self.uplink = self.experiment.get("codec", {}).get("uplink", "float32")

    def first_model(self):
        return Model(self.network, reference.initialize(self.network, self.run.model["layers"], self.bits))

    def samples(self, t, k):
        """The support set and the query set of a round."""
        return self.run.samples(t, k)

    def support(self, t, k):
        return self.samples(t, k)[0]

    def adapted(self, phi, task, samples, query=None):
        """The change of the trainable parameters; None: diverged. `query` counts where the task wants its gradient."""
        w = reference.adapt(self.network.without(task.frozen), phi, samples, self.bits, ORDER, task.round, task.device_index,
                            task.passes, task.batch_size, F(task.inner_learning_rate), F(task.proximal),
                            query if task.change == 1 else None, self.network)
        x = None if w is None else (w - phi)[self.network.without(left_out(task)).trainable]
        return x if x is not None and np.all(np.isfinite(x)) else None

    def change(self, phi, task, residual=None):
        """The encoded change of a task, and the residual that it leaves."""
        x = self.adapted(phi, task, *self.samples(task.round, task.device_index))
        if residual is not None:
            x = x + residual
        data = self.encode(task.uplink, x, task.round, task.device_index, left_out(task))
        return data, x - self.decode(task.uplink, data, task.round, task.device_index, left_out(task))

    def encode(self, name, x, t, k, frozen=0):
        sizes = self.network.without(frozen).trainable_sizes
        return codecs.encode(codecs.parse(name), x, sizes, codecs.Random(self.bits, t, k))

    def decode(self, name, data, t, k, frozen=0):
        sizes = self.network.without(frozen).trainable_sizes
        return codecs.decode(codecs.parse(name), data, sizes, codecs.Random(self.bits, t, k))

    def stepped(self, phi, t, name, x, frozen=0):
        """docs/codec.md, section 9: the patch of a step, and phi after it."""
        patch = self.encode(name, x, t, 0xFFFFFFFF, frozen)
        return patch, self.patched(phi, t, name, patch, frozen)

    def patched(self, phi, t, name, patch, frozen=0):
        phi = phi.copy()
        if patch:
            indices = self.network.without(frozen).trainable
            phi[indices] = phi[indices] + self.decode(name, patch, t, 0xFFFFFFFF, frozen)
        return reference.without_minus_zero(phi)

    def follow_chain(self, phi, chain):
        """phi after a chain of patches; wire.Malformed or Refused if it is none."""
        if not chain or len(chain) < 1 + chain[0]:
            raise wire.Malformed("a chain without a name")
        at = 1 + chain[0]
        name = chain[1:at].decode("ascii", "replace")
        frozen, at = wire.read_varint(chain, at)
        if self.network.without(frozen) is None:
            raise wire.Malformed("a chain of steps that move nothing")
        t, at = wire.read_varint(chain, at)
        while at < len(chain):
            length, at = wire.read_varint(chain, at)
            if length > len(chain) - at:
                raise wire.Malformed("cut off inside a patch")
            phi, at, t = self.patched(phi, t, name, chain[at:at + length], frozen), at + length, t + 1
        return phi

    def evaluation(self, phi, task):
        """The sums of an EVALUATE task."""
        sums = dict.fromkeys(("tasks", "query_samples", "correct_before", "correct_after", "loss_before", "loss_after",
                              "diverged_tasks"), 0)
        for i in range(task.task_count):
            j = task.first_task + i * max(1, task.task_step)
            support, query = self.run.evaluation_sets(j)
            before = reference.measure(self.network, phi, query)
            w = reference.adapt(self.network.without(task.frozen), phi, support, self.bits, ORDER + EVALUATION, 0, j, task.passes,
                                task.batch_size, F(task.inner_learning_rate))
            after = (0, len(query) << 40) if w is None else reference.measure(self.network, w, query)
            for name, value in zip(sums, (1, len(query), before[0], after[0], before[1], after[1], int(w is None))):
                sums[name] += value
        return wire.new("Evaluation", **{name: min(value, 2 ** 64 - 1) for name, value in sums.items()})
