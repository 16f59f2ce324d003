"""A whole run: what docs/arithmetic.md says from section 7 on, in the order of its rounds."""

import functools
import hashlib
import math

import numpy as np

import codec

from .floats import F, without_minus_zero
from .initialization import initialize
from .network import Network
from .random_bits import COHORT, EVALUATION, ORDER, Bits, permute
from .rounds import RunningNorm, adapt, aggregate, fixed_point, is_taken, measure, norm_of, training_devices
from .strategies import STRATEGIES
from .tasks import SOURCES


class Run:
    def __init__(self, experiment, data, init_file=None):
        self.init, self.init_file = experiment.get("init", "random"), init_file
        self.model, self.task, self.meta = (experiment[table] for table in ("model", "task", "meta"))
        self.fleet, self.evaluation = experiment["fleet"], experiment.get("evaluation", {})
        self.bits = Bits(experiment["seed"])
        self.network = Network(self.model, self.personal(experiment))
        scope = experiment.get("adapt", {}).get("scope", "all")
        learns_from_query = STRATEGIES[self.meta["strategy"]].learns_from_query
        self.adapted = self.network.narrowed(scope)                     # what a device moves in a round
        self.sent = self.network if learns_from_query else self.adapted  # what a change is of
        self.evaluated = self.network.narrowed(self.evaluation.get("scope", scope))
        self.source = SOURCES[self.task["source"]](experiment, self.network, data, self.bits)
        self.make_sides()
        self.codec = codec.parse(experiment.get("codec", {}).get("uplink", "float32"))
        self.strategy = STRATEGIES[self.meta["strategy"]](self.meta, len(self.sent.trainable))
        self.residuals, self.running_norm = {}, None
        downlink = experiment.get("codec", {}).get("downlink", "whole")
        self.downlink = None if downlink == "whole" else codec.parse(downlink)
        self.downlink_residual = np.zeros(len(self.sent.trainable), F)

    @staticmethod
    def personal(experiment):
        """docs/experiment.md, [personal]: what the model file says of adapting; None without the section."""
        keys, meta = experiment.get("personal"), experiment["meta"]
        if keys is None:
            return None
        defaults = {"inner_learning_rate": meta["inner_learning_rate"], "passes": meta.get("passes", 1),
                    "batch_size": meta.get("batch_size", 1)}
        return tuple(keys.get(key, default) for key, default in defaults.items())

    def make_sides(self):
        """Who has which records, and how many devices there are."""
        def setting(key, *default):
            return self.evaluation.get(key, self.task.get(key, *default))

        is_fixed = self.task["source"] == "dataset" and self.task.get("labels", "fixed") == "fixed"
        query = self.task.get("query_size", 0 if is_fixed else 1)
        asks = setting("query_size", query)
        are_clients = self.fleet["devices"] == "clients"
        devices, held_out = (0, 0) if are_clients else (self.fleet["devices"], self.fleet.get("held_out", 0))
        self.adapting = self.source.side(0, 0, "train", (self.task["support_size"], query),
                                         self.task.get("rotations", 1), devices - held_out)
        self.evaluating = None
        if are_clients or self.evaluation.get("tasks", 0) or self.evaluation.get("final_tasks", 0):
            self.evaluating = self.source.side(1, EVALUATION, self.evaluation.get("split", "test"),
                                               (setting("support_size"), "all" if asks == 0 else asks),
                                               setting("rotations", 1), held_out)
        if are_clients:
            held_out = len(self.evaluating.groups)
            devices = len(self.adapting.groups) + held_out
        self.devices = devices
        last = are_clients or self.fleet.get("hold_out", "drawn") == "last"
        self.training = training_devices(self.bits, devices, held_out, last)

    def samples(self, t, k):
        """The support set and the query set of training device k in round t."""
        side, n = self.adapting, len(self.training)
        place = self.training.index(k) if k in self.training else 0
        if n < len(side.groups) and self.task.get("fresh", "round") == "round":
            place += t * n
        return self.source.task(self.bits, side, self.task_round(t), k, place, side.sizes)

    def evaluation_sets(self, j):
        """The support set and the query set of evaluation task j."""
        return self.source.task(self.bits, self.evaluating, 0, j, j, self.evaluating.sizes)

    def task_round(self, t):
        """The round in the addresses of the tasks and samples of meta-training."""
        return {"round": t, "device": 0}[self.task.get("fresh", "round")]

    def change(self, phi, t, k):
        """What the coordinator decodes from device k, None when it diverged, and its weight."""
        support, query = self.samples(t, k)
        w = adapt(self.adapted, phi, support, self.bits, ORDER, t, k, self.meta.get("passes", 1),
                  self.meta.get("batch_size", 1), F(self.meta["inner_learning_rate"]), F(self.strategy.proximal),
                  query if self.strategy.learns_from_query else None, self.sent)
        delta = None if w is None else self.transfer((w - phi)[self.sent.trainable], t, k)
        return delta, len(support) if self.strategy.weighs_samples else 1

    def transfer(self, x, t, k):
        """What is decoded, None when x is not finite; with error feedback the residual of the device changes."""
        if self.codec.ef and k in self.residuals:
            x = x + self.residuals[k]
        if not np.all(np.isfinite(x)):
            return None
        sizes, random = self.sent.trainable_sizes, codec.Random(self.bits, t, k)
        decoded = codec.decode(self.codec, codec.encode(self.codec, x, sizes, random), sizes, random)
        if self.codec.ef and is_taken(decoded):
            self.residuals[k] = x - decoded
        return decoded

    def passed(self, before, phi, t):
        """What a compressed downlink leaves of the step from `before` to phi: the new phi."""
        x = (phi - before)[self.sent.trainable]
        if self.downlink.ef:
            x = x + self.downlink_residual
        sizes, random = self.sent.trainable_sizes, codec.Random(self.bits, t, 0xffffffff)
        decoded = codec.decode(self.downlink, codec.encode(self.downlink, x, sizes, random), sizes, random)
        self.downlink_residual = x - decoded
        phi = before.copy()
        phi[self.sent.trainable] = phi[self.sent.trainable] + decoded
        return without_minus_zero(phi)

    def stepped(self, before, changes, t):
        """phi after round t with these pairs of decoded change, or None, and weight."""
        step = functools.partial(self.strategy.step, self.strategy.meta_learning_rate(t))
        phi = aggregate(self.sent, before, changes, step, *self.bounds(before))
        if self.running_norm:
            self.running_norm.follow([norm_of(delta) for delta, _ in changes if is_taken(delta)])
        if self.downlink and any(is_taken(delta) for delta, _ in changes):
            phi = self.passed(before, phi, t)
        return phi

    def bounds(self, before):
        """What changes of this round are clipped to, and above which they weigh nothing; 0: they are not, and all weigh."""
        fixed, factor = self.meta.get("clip_norm", 0), self.meta.get("clip_factor", 0)
        if factor and self.running_norm is None:                        # before the first round
            self.running_norm = RunningNorm(before, factor)
        if not self.running_norm:
            return fixed, 0
        running = factor * self.running_norm.value
        return min(fixed, running) if fixed else running, 2 * running

    def beginning(self):
        """Drawn from the seed, or the parameters of the model that `init` names."""
        if self.init == "random":
            return initialize(self.network, self.model["layers"], self.bits)
        with open(self.init_file, "rb") as file:
            data = file.read()
        if hashlib.sha256(data[:-32]).digest() != data[-32:] or data[-32:].hex() != self.init:
            raise ValueError(f"{self.init_file} is not the model {self.init}")
        return np.frombuffer(data[-32 - 4 * self.network.parameters:-32], "<f4").astype(F)

    def train(self, trace):
        phi = self.beginning()
        self.running_norm = None
        training = self.training
        trace(0, self.network.model_hash(phi))
        for t in range(self.meta["rounds"]):
            block = self.bits.block(COHORT, t, 0, 0)
            asked = self.meta.get("cohort", 1) if self.strategy.asks_devices else 0
            cohort = [training[permute(j, len(training), block)] for j in range(asked)]
            changes = [self.change(phi, t, k) for k in cohort]
            phi = self.stepped(phi, changes, t)
            trace(t + 1, self.network.model_hash(phi))
        return phi

    def evaluate(self, phi):
        def setting(key, table, *default):
            return self.evaluation.get(key, table.get(key, *default))

        sums = dict.fromkeys(("correct_before", "correct_after", "loss_before", "loss_after", "query_samples"), 0)
        tasks = self.evaluation.get("tasks", len(self.evaluating.groups) if self.fleet["devices"] == "clients" else 0)
        for j in range(self.evaluation.get("final_tasks", tasks)):
            support, query = self.evaluation_sets(j)
            before = measure(self.network, phi, query)
            w = adapt(self.evaluated, phi, support, self.bits, ORDER + EVALUATION, 0, j, setting("passes", self.meta, 1),
                      self.evaluation.get("batch_size", 1), F(setting("inner_learning_rate", self.meta)))
            after = (0, len(query) * fixed_point(math.nan)) if w is None else measure(self.network, w, query)
            for key, value in zip(sums, (before[0], after[0], before[1], after[1], len(query))):
                sums[key] += value
        return sums
