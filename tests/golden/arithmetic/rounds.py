"""docs/arithmetic.md, sections 7 and 8: what a device and what the coordinator does in a round. The outer steps of section 8
are in strategies.py."""

import math

import numpy as np

from .floats import F, without_minus_zero
from .network import prediction
from .random_bits import HELD_OUT, permute


# ----------------------------------------------------------------------------------------- 7. What a device does

def adapt(network, phi, support, bits, order, t, k, passes, batch_size, a, proximal=F(0), query=None, sent=None):
    """The adapted parameters, None when diverged; with a query set phi after a step along its gradient, of the network `sent`
    or else of this one. `order` is the purpose, (t, k) the address of the device."""
    flat = phi.copy()
    w = network.tensors(flat)
    n = len(support)
    for p in range(passes):
        block = bits.block(order, t, k, p)
        samples = [support[permute(i, n, block)] for i in range(n)]
        for begin in range(0, n, batch_size):
            if batch_size == 1:
                losses = network.train_online(w, samples[begin], a)
            else:
                losses = network.train_batch(w, samples[begin:begin + batch_size], a)
            if not np.all(np.isfinite(losses)):
                return None
            if proximal != 0:
                pulled = network.trainable
                flat[pulled] = flat[pulled] - (a * proximal) * (flat[pulled] - phi[pulled])
    if not np.all(np.isfinite(flat)):
        return None
    return flat if query is None else step_from_phi(sent or network, phi, w, query, a)


def step_from_phi(network, phi, w, query, a):
    """phi after a step along the mean gradient of the query set at w; None when that diverges."""
    total, losses = network.accumulated(w, query)
    flat = phi.copy()
    network.apply(network.tensors(flat), total, len(query), a)
    return flat if np.all(np.isfinite(losses)) and np.all(np.isfinite(flat)) else None


def fixed_point(loss):
    limit = 2.0 ** 20
    x = float(loss)
    x = limit if math.isnan(x) else min(max(x, 0.0), limit)
    return round(x * 2.0 ** 20)                                         # half to even


def measure(network, flat, query):
    """Correct predictions and the sum of losses."""
    correct, total = 0, 0
    for sample in query:
        loss, _, values = network.loss(network.tensors(flat), sample)
        total += fixed_point(loss)
        correct += isinstance(sample[1], int) and prediction(values[-1].ravel()) == sample[1]
    return correct, total


# ------------------------------------------------------------------------------------ 8. What the coordinator does

def training_devices(bits, devices, held_out, last=False):
    block = bits.block(HELD_OUT, 0, 0, 0)
    excluded = {devices - 1 - j if last else permute(j, devices, block) for j in range(held_out)}
    return [k for k in range(devices) if k not in excluded]


def norm_of(delta):
    return math.sqrt(np.cumsum(delta.astype(np.float64) ** 2)[-1]) if len(delta) else 0.0


def clipped(delta, bound):
    norm = norm_of(delta)
    return delta * F(bound / norm) if bound and norm > bound else delta


class RunningNorm:
    """What `clip_factor` is a multiple of."""

    def __init__(self, phi, clip_factor):
        self.value = self.limited(norm_of(phi) / clip_factor)

    @staticmethod
    def limited(value):
        return min(max(value, 2.0 ** -40), 2.0 ** 40)

    def follow(self, norms):
        if norms:
            share = float(sum(norm > self.value for norm in norms)) / float(len(norms))
            self.value = self.limited(self.value * (1.0 + 0.4 * (share - 0.5)))


def is_taken(delta):
    return delta is not None and np.all(np.abs(delta) < F(128))         # false for NaN


def aggregate(network, phi, changes, outer_step, bound, most=0):
    """changes: pairs of (decoded change of the trainable parameters, or None; weight). `outer_step` takes the trainable
    parameters and the mean, both in double."""
    indices = network.trainable
    total, s = 0, np.zeros(len(indices), np.int64)
    for delta, weight in changes:
        if is_taken(delta) and not (most and norm_of(delta) > most):
            s += np.rint(clipped(delta, bound).astype(np.float64) * 2.0 ** 36).astype(np.int64) * weight
            total += weight
    if total == 0:
        return phi
    mean = s.astype(np.float64) * 2.0 ** -36 / float(total)
    phi = phi.copy()
    phi[indices] = outer_step(phi[indices].astype(np.float64), mean).astype(F)
    return without_minus_zero(phi)
