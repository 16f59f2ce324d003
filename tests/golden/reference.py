#!/usr/bin/env python3
"""Reference implementation of docs/arithmetic.md and docs/model-file.md, written from these documents alone; the codecs
are in codec.py.

    reference.py EXPERIMENT.toml [--data DIR] [--set key=value]... [--evaluate] [--trace]
    reference.py --self-test

Prints the SHA-256 of the model after all rounds as one JSON object. The numbers in comments are sections of
docs/arithmetic.md. Every value is a numpy float32 (`F`) unless a section says double; a loop over an index is an order
that the document fixes, an array operation only ever runs over independent elements.
"""

import argparse
import functools
import hashlib
import json
import math
import pathlib
import struct
import sys
import tomllib

import numpy as np

import codec

np.seterr(all="ignore")
F = np.float32
ZERO, HALF, ONE, TWO = F(0), F(0.5), F(1), F(2)


# ---------------------------------------------------------------------------------- 1, 2. Numbers and conversions

def without_minus_zero(x):
    return x + ZERO


def network_input(stored, scale, offset):
    return stored.astype(F) * scale + offset


# ------------------------------------------------------------------------------------- 3. exp, log, tanh, sin, cos

def constants(*pairs):
    """Floats from decimals, checked against their bit patterns."""
    for decimal, pattern in pairs:
        assert struct.pack(">f", F(decimal)).hex() == pattern, (decimal, pattern)
    return [F(decimal) for decimal, _ in pairs]


L, H, h = constants((1.44269504, "3fb8aa3b"), (0.693359375, "3f318000"), (-2.12194440e-4, "b95e8083"))
E = constants((1.9875691500e-4, "39506967"), (1.3981999507e-3, "3ab743ce"), (8.3334519073e-3, "3c088908"),
              (4.1665795894e-2, "3d2aa9c1"), (1.6666665459e-1, "3e2aaaaa"), (5.0000001201e-1, "3f000000"))
S, = constants((0.707106781, "3f3504f3"))
G = constants((7.0376836292e-2, "3d9021bb"), (-1.1514610310e-1, "bdebd1b8"), (1.1676998740e-1, "3def251a"),
              (-1.2420140846e-1, "bdfe5d4f"), (1.4249322787e-1, "3e11e9bf"), (-1.6668057665e-1, "be2aae50"),
              (2.0000714765e-1, "3e4cceac"), (-2.4999993993e-1, "be7ffffc"), (3.3333331174e-1, "3eaaaaaa"))
T = constants((-5.70498872745e-3, "bbbaf0ea"), (2.06390887954e-2, "3ca9134e"), (-5.37397155531e-2, "bd5c1e2d"),
              (1.33314422036e-1, "3e088393"), (-3.33332819422e-1, "beaaaa99"))
P, = constants((0.636619772, "3f22f983"))
A, B, C = constants((1.5703125, "3fc90000"), (4.837512969970703125e-4, "39fda000"),
                    (7.54978995489188216e-8, "33a22169"))
SIN = constants((-1.9515295891e-4, "b94ca1f9"), (8.3321608736e-3, "3c08839e"), (-1.6666654611e-1, "be2aaaa3"))
COS = constants((2.443315711809948e-5, "37ccf5ce"), (-1.388731625493765e-3, "bab6061a"),
                (4.166664568298827e-2, "3d2aaaa5"))


def rint(x):
    return (x + F(12582912)) - F(12582912)


def clamp(x, low, high):
    x = np.where(x > low, x, low)
    return np.where(high > x, x, high)


def polynomial(coefficients, x):
    p = coefficients[0]
    for coefficient in coefficients[1:]:
        p = p * x + coefficient
    return p


def exp(x):
    x = clamp(x, F(-87), F(88))
    n = rint(x * L)
    r = x - n * H
    r = r - n * h
    p = (polynomial(E, r) * (r * r) + r) + ONE
    return np.ldexp(p, n.astype(np.int32))


def log(x):
    m, e = np.frexp(clamp(x, F(2.0 ** -126), np.finfo(F).max))
    low = S > m
    e = np.where(low, e - 1, e).astype(F)
    m = np.where(low, m + m, m)
    m = m - ONE
    z = m * m
    y = (polynomial(G, m) * m) * z
    y = y + e * h
    y = y - HALF * z
    return (m + y) + e * H


def tanh(x):
    a = np.where(ZERO > x, ZERO - x, x)
    z = x * x
    near = (polynomial(T, z) * z) * x + x
    f = ONE - TWO / (exp(a + a) + ONE)
    return np.where(F(0.625) > a, near, np.where(ZERO > x, ZERO - f, f))


def quarter_turns(x, turn):
    x = np.where((x > F(-8192.5)) & (F(8192.5) > x), x, ZERO)
    n = rint(x * P)
    r = ((x - n * A) - n * B) - n * C
    q = (n.astype(np.int32) + turn) % 4
    z = r * r
    even = (polynomial(SIN, z) * z) * r + r
    odd = ((polynomial(COS, z) * z) * z - HALF * z) + ONE
    value = np.where(q % 2 == 0, even, odd)
    return np.where(q >= 2, ZERO - value, value)


def sin(x):
    return quarter_turns(x, 0)


def cos(x):
    return quarter_turns(x, 1)


# ------------------------------------------------------------------------------------------------- 4. Random bits

INITIALIZATION, COHORT, HELD_OUT, TASK, SAMPLE, ORDER = 1, 2, 3, 4, 5, 6
EVALUATION = 5                                                          # TASK, SAMPLE, ORDER + 5: of an evaluation
U32 = 0xFFFFFFFF


@functools.lru_cache(maxsize=4096)
def philox(counter, seed):
    c0, c1, c2, c3 = counter
    k0, k1 = seed & U32, seed >> 32 & U32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & U32, p0 >> 32 ^ c3 ^ k1, p0 & U32
        k0, k1 = (k0 + 0x9E3779B9) & U32, (k1 + 0xBB67AE85) & U32
    return c0, c1, c2, c3


class Bits:
    """Random bits of one seed."""

    def __init__(self, seed):
        self.seed = seed

    def block(self, purpose, round_, device, b):
        return philox((b, purpose, round_, device), self.seed)

    def word(self, purpose, round_, device, e):
        return self.block(purpose, round_, device, e // 4)[e % 4]


def uniform(word):
    return F(word >> 8) * F(2.0 ** -24)


def between(word, low, high):
    return low + (high - low) * uniform(word)


# ------------------------------------------------------------------------------- 5. Permutation without memory

def permute(i, n, K):
    b = 1
    while 2 ** b < n:
        b += 1
    mask, s = 2 ** b - 1, max(1, b // 2)
    x = i
    while True:
        for r in range(4):
            x = (x + K[r]) & mask
            x = x ^ (x >> s)
            x = (x * ((K[(r + 1) % 4] >> 16) | 1)) & mask
            x = x ^ (x >> s)
            x = (x * (((K[(r + 2) % 4] >> 8) & 0xFFFF) | 1)) & mask
        if x < n:
            return x


# ------------------------------------------------------------------------------------------------------ 6. Layers

def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


class Layer:
    """A layer without parameters; activations have the shape height x width x channels."""
    units, kernel, stride, same, mask = 0, (0, 0), (0, 0), False, 3
    tensors = ()                                                        # shapes: weights, bias

    def __init__(self, entry, shape):
        self.shape = shape

    def online(self, w, x, d, a):
        """The tensors after an online update."""
        return [tensor - a * gradient for tensor, gradient in zip(w, self.gradients(w, x, d))]

    def update(self, w, tensors):
        for bit, tensor in enumerate(tensors):
            assert tensor.dtype == F
            if self.mask >> bit & 1:
                w[bit][...] = tensor


def trainable_mask(entry):
    return {"none": 0, "weights": 1, "bias": 2, "all": 3}[entry.get("trainable", "all")]


class Dense(Layer):
    kind = 1

    def __init__(self, entry, shape):
        self.units, self.fan_in, self.mask = entry["units"], math.prod(shape), trainable_mask(entry)
        self.shape = (1, 1, self.units)
        self.tensors = ((self.units, self.fan_in), (self.units,))

    def forward(self, w, x):
        y = w[1].copy()
        for i, value in enumerate(x.ravel()):
            y += w[0][:, i] * value
        return y.reshape(self.shape)

    def backward(self, w, x, y, d):
        dx = np.zeros(self.fan_in, F)
        for o, value in enumerate(d.ravel()):
            dx += w[0][o] * value
        return dx.reshape(x.shape)

    def gradients(self, w, x, d):
        return d.reshape(-1, 1) * x.reshape(1, -1), d.ravel()

    def online(self, w, x, d, a):
        g = a * d
        return w[0] - g.reshape(-1, 1) * x.reshape(1, -1), w[1] - g.ravel()


def windows(extent, k, s, same):
    """Along one axis: how many outputs, and for every tap the outputs that have it and the input cells that it hits."""
    out = -(-extent // s) if same else (extent - k) // s + 1
    pad = max(0, (out - 1) * s + k - extent) // 2 if same else 0
    taps = []
    for t in range(k):
        outputs = [o for o in range(out) if 0 <= o * s + t - pad < extent]
        taps.append((outputs, [o * s + t - pad for o in outputs]))
    return out, taps


class Windowed(Layer):
    default_stride = None                                               # the kernel

    def __init__(self, entry, shape):
        self.kernel = pair(entry["kernel"])
        self.stride = pair(entry.get("stride", self.default_stride or self.kernel))
        self.same = {"valid": False, "same": True}[entry.get("padding", "valid")]
        (height, rows), (width, columns) = (windows(*axis, self.same) for axis in zip(shape, self.kernel, self.stride))
        self.shape = (height, width, shape[2])
        self.taps = [(ky, kx, np.ix_(oy, ox), np.ix_(iy, ix))
                     for ky, (oy, iy) in enumerate(rows) for kx, (ox, ix) in enumerate(columns)]


class Conv2d(Windowed):
    kind, default_stride = 2, 1

    def __init__(self, entry, shape):
        super().__init__(entry, shape)
        self.units, self.mask = entry["filters"], trainable_mask(entry)
        self.fan_in = math.prod(self.kernel) * shape[2]
        self.shape = (*self.shape[:2], self.units)
        self.tensors = ((self.units, *self.kernel, shape[2]), (self.units,))

    def forward(self, w, x):
        y = np.empty(self.shape, F)
        y[:] = w[1]
        for ky, kx, outputs, inputs in self.taps:
            for ci in range(x.shape[2]):
                y[outputs] += w[0][:, ky, kx, ci] * x[inputs][:, :, ci, None]
        return y

    def backward(self, w, x, y, d):
        dx = np.zeros(x.shape, F)
        for ky, kx, outputs, inputs in self.taps:
            for f in range(self.units):
                dx[inputs] += w[0][f, ky, kx] * d[outputs][:, :, f, None]
        return dx

    def gradients(self, w, x, d):
        weights, bias = (np.zeros(shape, F) for shape in self.tensors)
        for ky, kx, outputs, inputs in self.taps:
            for d_row, x_row in zip(d[outputs], x[inputs]):             # oy
                for d_cell, x_cell in zip(d_row, x_row):                # ox
                    weights[:, ky, kx, :] += d_cell[:, None] * x_cell[None, :]
        for cell in d.reshape(-1, self.units):                          # oy, then ox
            bias += cell
        return weights, bias


class DepthwiseConv2d(Windowed):
    kind, default_stride = 8, 1

    def __init__(self, entry, shape):
        super().__init__(entry, shape)
        self.mask, self.fan_in = trainable_mask(entry), math.prod(self.kernel)
        self.tensors = ((*self.kernel, shape[2]), (shape[2],))

    def forward(self, w, x):
        y = np.empty(self.shape, F)
        y[:] = w[1]
        for ky, kx, outputs, inputs in self.taps:
            y[outputs] += w[0][ky, kx] * x[inputs]
        return y

    def backward(self, w, x, y, d):
        dx = np.zeros(x.shape, F)
        for ky, kx, outputs, inputs in self.taps:
            dx[inputs] += w[0][ky, kx] * d[outputs]
        return dx

    def gradients(self, w, x, d):
        weights, bias = (np.zeros(shape, F) for shape in self.tensors)
        for ky, kx, outputs, inputs in self.taps:
            for d_row, x_row in zip(d[outputs], x[inputs]):             # oy
                for d_cell, x_cell in zip(d_row, x_row):                # ox
                    weights[ky, kx] += d_cell * x_cell
        for cell in d.reshape(-1, len(bias)):                           # oy, then ox
            bias += cell
        return weights, bias


class GlobalAveragePool(Layer):
    kind = 9

    def __init__(self, entry, shape):
        self.shape, self.factor = (1, 1, shape[2]), ONE / F(shape[0] * shape[1])

    def forward(self, w, x):
        return (chain(x.reshape(-1, x.shape[2])) * self.factor).reshape(self.shape)

    def backward(self, w, x, y, d):
        return np.broadcast_to(d * self.factor, x.shape)


class GroupNorm(Layer):
    kind = 10

    def __init__(self, entry, shape):
        self.shape, self.units, self.mask = shape, entry["groups"], trainable_mask(entry)
        self.tensors = ((shape[2],), (shape[2],))
        self.n = F(math.prod(shape) // self.units)

    def spread(self, values):
        """A value for each group, as one for each channel."""
        return np.repeat(np.array(values, F), self.shape[2] // self.units)

    def by_group(self, x):
        """The numbers of each group: positions, then channels of the group."""
        return [group.ravel() for group in np.split(x.reshape(-1, self.shape[2]), self.units, axis=1)]

    def statistics(self, x):
        """t = x - m as positions x channels, and r for each group."""
        t = x.reshape(-1, self.shape[2]) - self.spread([chain(group) / self.n for group in self.by_group(x)])
        return t, [ONE / np.sqrt(chain(group * group) / self.n + F(1e-5)) for group in self.by_group(t)]

    def forward(self, w, x):
        t, r = self.statistics(x)
        return (t * (self.spread(r) * w[0]) + w[1]).reshape(x.shape)

    def gradients(self, w, x, d):
        t, r = self.statistics(x)
        d = d.reshape(t.shape)
        return chain(d * t) * self.spread(r), chain(d)

    def backward(self, w, x, y, d):
        t, r = self.statistics(x)
        p, q = self.gradients(w, x, d)
        u = [chain(group) for group in self.by_group(w[0] * q)]
        v = [chain(group) for group in self.by_group(w[0] * p)]
        shift = self.spread([r * (u / self.n) for r, u in zip(r, u)])
        slope = self.spread([r * (r * (v / self.n)) for r, v in zip(r, v)])
        return (((self.spread(r) * w[0]) * d.reshape(t.shape) - shift) - t * slope).reshape(x.shape)


class Rational(Layer):
    kind = 11
    tensors = ((4,), (2,))

    def __init__(self, entry, shape):
        self.shape, self.mask = shape, trainable_mask(entry)

    def parts(self, w, x, d):
        """p, q, and the factors e and h of the gradients."""
        (a0, a1, a2, a3), (b1, b2) = w
        p = ((a3 * x + a2) * x + a1) * x + a0
        s = (b2 * x + b1) * x
        q = ONE + np.where(ZERO > s, ZERO - s, s)
        e = d / q
        f = e * (p / q)
        return p, q, e, np.where(s > ZERO, ZERO - f, np.where(ZERO > s, f, ZERO))

    def forward(self, w, x):
        p, q, _, _ = self.parts(w, x, x)
        return p / q

    def backward(self, w, x, y, d):
        (_, a1, a2, a3), (b1, b2) = w
        _, _, e, h = self.parts(w, x, d)
        return e * (((F(3) * a3) * x + (a2 + a2)) * x + a1) + h * ((b2 + b2) * x + b1)

    def gradients(self, w, x, d):
        _, _, e, h = self.parts(w, x, d)
        powers = [e, e * x, (e * x) * x, ((e * x) * x) * x, h * x, (h * x) * x]
        sums = np.array([chain(power.ravel()) for power in powers], F)
        return sums[:4], sums[4:]


RATIONAL_NUMERATOR = np.array((0.1238, 0.5, 0.4305, 0.0987), F)
RATIONAL_DENOMINATOR = np.array((0, 0.1974), F)


class MaxPool(Windowed):
    kind = 3

    def forward(self, w, x):
        m = np.zeros(self.shape, F)
        first = np.full(self.shape, True)
        for _, _, outputs, inputs in self.taps:
            v = x[inputs]
            m[outputs] = np.where(first[outputs] | (v > m[outputs]), v, m[outputs])
            first[outputs] = False
        return m

    def backward(self, w, x, y, d):
        dx = np.zeros(x.shape, F)
        waiting = np.full(self.shape, True)
        for _, _, outputs, inputs in self.taps:
            hit = waiting[outputs] & (x[inputs] == y[outputs])
            dx[inputs] = np.where(hit, d[outputs], dx[inputs])
            waiting[outputs] &= ~hit
        return dx


class AveragePool(Windowed):
    kind = 4

    def __init__(self, entry, shape):
        super().__init__(entry, shape)
        count = np.zeros((*self.shape[:2], 1), F)
        for _, _, outputs, _ in self.taps:
            count[outputs] += ONE
        self.factor = ONE / count

    def forward(self, w, x):
        y = np.zeros(self.shape, F)
        for _, _, outputs, inputs in self.taps:
            y[outputs] += x[inputs]
        return y * self.factor

    def backward(self, w, x, y, d):
        dx = np.zeros(x.shape, F)
        for _, _, outputs, inputs in self.taps:
            dx[inputs] += d[outputs] * self.factor[outputs]
        return dx


class Flatten(Layer):
    kind = 5

    def __init__(self, entry, shape):
        self.shape = (1, 1, math.prod(shape))

    def forward(self, w, x):
        return x.reshape(self.shape)

    def backward(self, w, x, y, d):
        return d.reshape(x.shape)


class Relu(Layer):
    kind = 6

    def forward(self, w, x):
        return np.where(x > ZERO, x, ZERO)

    def backward(self, w, x, y, d):
        return np.where(y > ZERO, d, ZERO)


class Tanh(Layer):
    kind = 7

    def forward(self, w, x):
        return tanh(x)

    def backward(self, w, x, y, d):
        return d * (ONE - y * y)


LAYERS = {"dense": Dense, "conv2d": Conv2d, "max_pool": MaxPool, "average_pool": AveragePool, "flatten": Flatten,
          "relu": Relu, "tanh": Tanh, "depthwise_conv2d": DepthwiseConv2d, "global_average_pool": GlobalAveragePool,
          "group_norm": GroupNorm, "rational": Rational}


def chain(terms):
    """0, then `+=` each term."""
    total = ZERO
    for term in terms:
        total = total + term
    return total


def softmax_cross_entropy(z, label):
    m = z[0]
    for value in z[1:]:
        m = value if value > m else m
    t = z - m
    e = exp(t)
    s = chain(e)
    one_hot = np.zeros(len(z), F)
    one_hot[label] = ONE
    return log(s) - t[label], e / s - one_hot


def mean_squared_error(z, target):
    v = ONE / F(len(z))
    r = z - target
    return chain(r * r) * v, (r + r) * v


LOSSES = {"softmax_cross_entropy": (1, softmax_cross_entropy), "mean_squared_error": (2, mean_squared_error)}


def prediction(z):
    best = 0
    for o in range(1, len(z)):
        best = o if z[o] > z[best] else best
    return best


class Network:
    """The shape of a model. Its parameters are one flat array; `tensors` are its views, a tuple for each layer."""

    def __init__(self, model):
        shape = tuple(model["input"])
        self.input = shape = shape if len(shape) == 3 else (1, 1, *shape)
        self.scale, self.offset = F(model.get("input_scale", 1.0)), F(model.get("input_offset", 0.0))
        self.loss_kind, self.loss_function = LOSSES[model["loss"]]
        self.layers = []
        for entry in model["layers"]:
            self.layers.append(LAYERS[entry["type"]](entry, shape))
            shape = self.layers[-1].shape
        self.parameters = sum(math.prod(shape) for layer in self.layers for shape in layer.tensors)
        everything = self.tensors(np.arange(self.parameters))
        by_tensor = [tensor.ravel() for layer, tensors in zip(self.layers, everything)
                     for bit, tensor in enumerate(tensors) if layer.mask >> bit & 1]
        self.trainable = np.concatenate(by_tensor)                      # indices
        self.trainable_sizes = [len(indices) for indices in by_tensor]
        self.lowest = min((i for i, layer in enumerate(self.layers) if layer.tensors and layer.mask), default=0)

    def tensors(self, flat):
        result, begin = [], 0
        for layer in self.layers:
            views = []
            for shape in layer.tensors:
                views.append(flat[begin:begin + math.prod(shape)].reshape(shape))
                begin += math.prod(shape)
            result.append(tuple(views))
        return result

    def forward(self, w, x):
        """The input of every layer and the output of the last one."""
        values = [x]
        for layer, tensors in zip(self.layers, w):
            values.append(layer.forward(tensors, values[-1]))
        return values

    def loss(self, w, sample):
        """The loss, the gradient of the outputs and the values of forward."""
        values = self.forward(w, sample[0])
        loss, d = self.loss_function(values[-1].ravel(), sample[1])
        assert all(value.dtype == F for value in (loss, d, *values))
        return loss, d.reshape(values[-1].shape), values

    def backward(self, w, sample):
        """The loss, and for every layer with parameters (its index, itself, x, d). No update can come too early."""
        loss, d, values = self.loss(w, sample)
        visits = []
        for i in range(len(self.layers) - 1, self.lowest - 1, -1):
            layer, x, y = self.layers[i], values[i], values[i + 1]
            if layer.tensors:
                visits.append((i, layer, x, d))
            d = layer.backward(w[i], x, y, d) if i > self.lowest else None
        return loss, visits

    def train_online(self, w, sample, a):
        """Updates w in place; the losses before it, one here."""
        loss, visits = self.backward(w, sample)
        for i, layer, x, d in visits:
            layer.update(w[i], layer.online(w[i], x, d, a))
        return [loss]

    def train_batch(self, w, samples, a):
        total, losses = self.tensors(np.zeros(self.parameters, F)), []
        for sample in samples:
            loss, visits = self.backward(w, sample)
            losses.append(loss)
            for i, layer, x, d in visits:
                for tensor, gradient in zip(total[i], layer.gradients(w[i], x, d)):
                    tensor += gradient
        rate = a / F(len(samples))
        for layer, tensors, gradients in zip(self.layers, w, total):
            layer.update(tensors, [tensor - rate * gradient for tensor, gradient in zip(tensors, gradients)])
        return losses

    def model_file(self, phi):
        """docs/model-file.md"""
        layers = b"".join(struct.pack("<BBHBBBBB3x", layer.kind, layer.mask, layer.units, *layer.kernel, *layer.stride,
                                      layer.same) for layer in self.layers)
        length = 36 + len(layers) + 4 * self.parameters + 32
        data = struct.pack("<4sHHHHI3HBBffI", b"SKM\0", 1, 1, 1, 2, length, *self.input, self.loss_kind,
                           len(self.layers), self.scale, self.offset, self.parameters)
        data += layers + without_minus_zero(phi).astype("<f4").tobytes()
        return data + hashlib.sha256(data).digest()

    def model_hash(self, phi):
        return self.model_file(phi)[-32:].hex()


# ----------------------------------------------------------------------------------------- 7. What a device does

def adapt(network, phi, support, bits, order, t, k, passes, batch_size, a):
    """The adapted parameters, None when diverged. `order` is the purpose, (t, k) the address of the device."""
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
    return flat if np.all(np.isfinite(flat)) else None


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

def training_devices(bits, devices, held_out):
    block = bits.block(HELD_OUT, 0, 0, 0)
    excluded = {permute(j, devices, block) for j in range(held_out)}
    return [k for k in range(devices) if k not in excluded]


def clipped(delta, clip_norm):
    norm = math.sqrt(np.cumsum(delta.astype(np.float64) ** 2)[-1]) if len(delta) else 0.0
    return delta * F(clip_norm / norm) if clip_norm and norm > clip_norm else delta


def is_taken(delta):
    return delta is not None and np.all(np.abs(delta) < F(128))         # false for NaN


def aggregate(network, phi, changes, epsilon, clip_norm):
    """changes: pairs of (decoded change of the trainable parameters, or None; weight)."""
    indices = network.trainable
    total, s = 0, np.zeros(len(indices), np.int64)
    for delta, weight in changes:
        if is_taken(delta):
            s += np.rint(clipped(delta, clip_norm).astype(np.float64) * 2.0 ** 36).astype(np.int64) * weight
            total += weight
    if total == 0:
        return phi
    mean = s.astype(np.float64) * 2.0 ** -36 / float(total)
    phi = phi.copy()
    phi[indices] = (phi[indices].astype(np.float64) + epsilon * mean).astype(F)
    return without_minus_zero(phi)


def meta_learning_rate(meta, t):
    e0 = float(meta["meta_learning_rate"])
    e1 = float(meta.get("meta_learning_rate_final", e0 if meta["strategy"] == "fedavg" else 0.0))
    return e0 + (e1 - e0) * (float(t) / float(meta["rounds"]))


# ---------------------------------------------------------------------------------------------- 9. Initialization

def initialize(network, entries, bits):
    flat = np.zeros(network.parameters, F)
    for l, (layer, tensors, entry) in enumerate(zip(network.layers, network.tensors(flat), entries)):
        if not tensors:
            continue
        weights, bias = (tensor.reshape(-1) for tensor in tensors)
        if entry["type"] == "group_norm":
            weights[:] = ONE
            continue
        if entry["type"] == "rational":
            weights[:], bias[:] = RATIONAL_NUMERATOR, RATIONAL_DENOMINATOR
            continue
        initializer = entry.get("initializer", "he_uniform")
        if initializer == "he_uniform":
            bound = F(entry.get("gain", 1.0)) * np.sqrt(F(6) / F(layer.fan_in))
            for e in range(len(weights)):
                u = uniform(bits.word(INITIALIZATION, l, 0, e))
                weights[e] = ((u + u) - ONE) * bound
        elif initializer == "kinks":
            (s0, s1), (x0, x1) = (map(F, entry[key]) for key in ("slopes", "inputs"))
            for e in range(len(weights)):
                m = between(bits.word(INITIALIZATION, l, 0, 2 * e), s0, s1)
                weights[e] = -m if bits.word(INITIALIZATION, l, 0, 2 * e + 1) >= 2 ** 31 else m
                bias[e] = -(weights[e] * between(bits.word(INITIALIZATION, l, 1, e), x0, x1))
        else:
            assert initializer == "zeros", initializer
    return without_minus_zero(flat)


# ------------------------------------------------------------------------------------------------------ 10. Tasks

# A task is (support samples, query samples), a sample (network input, target or label).

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


# ---------------------------------------------------------------------------------------------- The whole run

class Run:
    def __init__(self, experiment, data):
        self.model, self.task, self.meta = (experiment[table] for table in ("model", "task", "meta"))
        self.fleet, self.evaluation = experiment["fleet"], experiment.get("evaluation", {})
        self.bits = Bits(experiment["seed"])
        self.network = Network(self.model)
        self.source = SOURCES[self.task["source"]](self.task, self.network, data)
        self.codec = codec.parse(experiment.get("codec", {}).get("uplink", "float32"))
        self.residuals = {}
        downlink = experiment.get("codec", {}).get("downlink", "whole")
        self.downlink = None if downlink == "whole" else codec.parse(downlink)
        self.downlink_residual = np.zeros(len(self.network.trainable), F)

    def task_round(self, t):
        """The round in the addresses of the tasks and samples of meta-training."""
        return {"round": t, "device": 0}[self.task["fresh"]]

    def change(self, phi, t, k):
        """What the coordinator decodes from device k, None when it diverged, and its weight."""
        support, _ = self.source.task(self.bits, 0, self.task_round(t), k, "train", self.task.get("rotations", 1),
                                      self.task["support_size"], 0)
        w = adapt(self.network, phi, support, self.bits, ORDER, t, k, self.meta["passes"],
                  self.meta.get("batch_size", 1), F(self.meta["inner_learning_rate"]))
        delta = None if w is None else self.transfer((w - phi)[self.network.trainable], t, k)
        return delta, len(support) if self.meta["strategy"] == "fedavg" else 1

    def transfer(self, x, t, k):
        """What is decoded, None when x is not finite; with error feedback the residual of the device changes."""
        if self.codec.ef and k in self.residuals:
            x = x + self.residuals[k]
        if not np.all(np.isfinite(x)):
            return None
        sizes, random = self.network.trainable_sizes, codec.Random(self.bits, t, k)
        decoded = codec.decode(self.codec, codec.encode(self.codec, x, sizes, random), sizes, random)
        if self.codec.ef and is_taken(decoded):
            self.residuals[k] = x - decoded
        return decoded

    def passed(self, before, phi, t):
        """What a compressed downlink leaves of the step from `before` to phi: the new phi."""
        x = (phi - before)[self.network.trainable]
        if self.downlink.ef:
            x = x + self.downlink_residual
        sizes, random = self.network.trainable_sizes, codec.Random(self.bits, t, 0xffffffff)
        decoded = codec.decode(self.downlink, codec.encode(self.downlink, x, sizes, random), sizes, random)
        self.downlink_residual = x - decoded
        phi = before.copy()
        phi[self.network.trainable] = phi[self.network.trainable] + decoded
        return without_minus_zero(phi)

    def train(self, trace):
        phi = initialize(self.network, self.model["layers"], self.bits)
        training = training_devices(self.bits, self.fleet["devices"], self.fleet.get("held_out", 0))
        trace(0, self.network.model_hash(phi))
        for t in range(self.meta["rounds"]):
            block = self.bits.block(COHORT, t, 0, 0)
            cohort = [training[permute(j, len(training), block)] for j in range(self.meta["cohort"])]
            changes = [self.change(phi, t, k) for k in cohort]
            before = phi
            phi = aggregate(self.network, phi, changes, meta_learning_rate(self.meta, t), self.meta.get("clip_norm", 0))
            if self.downlink and any(is_taken(delta) for delta, _ in changes):
                phi = self.passed(before, phi, t)
            trace(t + 1, self.network.model_hash(phi))
        return phi

    def evaluate(self, phi):
        def setting(key, table, *default):
            return self.evaluation.get(key, table.get(key, *default))

        t = self.meta["rounds"]
        sums = dict.fromkeys(("correct_before", "correct_after", "loss_before", "loss_after", "query_samples"), 0)
        for j in range(self.evaluation["final_tasks"]):
            support, query = self.source.task(
                self.bits, EVALUATION, t, j, self.evaluation.get("split", "test"), setting("rotations", self.task, 1),
                setting("support_size", self.task), setting("query_size", self.task))
            before = measure(self.network, phi, query)
            w = adapt(self.network, phi, support, self.bits, ORDER + EVALUATION, t, j, setting("passes", self.meta),
                      self.evaluation.get("batch_size", 1), F(setting("inner_learning_rate", self.meta)))
            after = (0, len(query) * fixed_point(math.nan)) if w is None else measure(self.network, w, query)
            for key, value in zip(sums, (before[0], after[0], before[1], after[1], len(query))):
                sums[key] += value
        return sums


# ------------------------------------------------------------------------------------------------------ Self-test

def self_test():
    def words(text):
        return tuple(int(word, 16) for word in text.split())

    for counter, key, expected in (                                     # Random123, kat_vectors
            ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
            ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
            ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1")):
        k0, k1 = words(key)
        assert philox(words(counter), k1 << 32 | k0) == words(expected)

    for n in range(1, 301):
        for seed in range(5):
            block = Bits(seed).block(ORDER, n, 0, 0)
            assert sorted(permute(i, n, block) for i in range(n)) == list(range(n)), n

    points = np.random.default_rng(1)
    wide = points.uniform(-87, 88, 10 ** 6).astype(F)
    positive = np.exp(wide.astype(np.float64)).astype(F)
    narrow = np.concatenate([points.uniform(-12, 12, 10 ** 6), wide / 1e3, 1 / wide]).astype(F)
    angles = np.concatenate([points.uniform(-12, 12, 10 ** 6), points.uniform(-8192, 8192, 10 ** 6)]).astype(F)
    for function, exact, x, absolute, relative in (
            (exp, np.exp, wide, 0, 2.0 ** -22), (log, np.log, positive, 2.0 ** -24, 2.0 ** -22),
            (tanh, np.tanh, narrow, 0, 2.0 ** -22), (sin, np.sin, angles, 2.0 ** -22, 0),
            (cos, np.cos, angles, 2.0 ** -22, 0)):
        y, truth = function(x), exact(x.astype(np.float64))
        error = np.abs(y - truth)
        assert y.dtype == F and np.all(error <= absolute + relative * np.abs(truth)), function
        with np.errstate(divide="ignore"):
            print(f"{function.__name__}: largest error {error.max():.3g}, "
                  f"relative {np.nanmax(np.where(truth == 0, 0, error / np.abs(truth))):.3g}")
        special = function(np.array([np.nan, np.inf, -np.inf, 0, -0.0], F))
        assert np.all(np.isfinite(special)), (function, special)

    for fraction, rounded in ((0.5, 0), (1.5, 2), (2.5, 2), (math.nan, 2 ** 40), (-1 * 2.0 ** 20, 0)):
        assert fixed_point(fraction * 2.0 ** -20) == rounded
    print("ok")


# ----------------------------------------------------------------------------------------------------------- Main

def apply_setting(experiment, setting):
    key, value = setting.split("=", 1)
    try:
        value = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        pass                                                            # a string without quotes
    *tables, key = key.split(".")
    for table in tables:
        experiment = experiment.setdefault(table, {})
    experiment[key] = value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", nargs="?")
    parser.add_argument("--data", default=".", help="folder of the data sets")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--evaluate", action="store_true", help="also evaluate the final model")
    parser.add_argument("--trace", action="store_true", help="print the model hash after every round")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if not arguments.experiment:
        parser.error("no experiment")

    with open(arguments.experiment, "rb") as file:
        experiment = tomllib.load(file)
    for setting in arguments.set:
        apply_setting(experiment, setting)

    def trace(rounds, digest):
        if arguments.trace:
            print(rounds, digest, file=sys.stderr, flush=True)

    run = Run(experiment, arguments.data)
    phi = run.train(trace)
    result = {"model_sha256": run.network.model_hash(phi), "rounds": run.meta["rounds"]}
    if arguments.evaluate:
        result |= run.evaluate(phi)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
