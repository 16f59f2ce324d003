"""docs/arithmetic.md, section 6: a layer, and those that look at all of their input or at each number by itself; the
others are in windows.py."""

import math

import numpy as np

from .elementary import tanh
from .floats import ONE, ZERO, F, chain


class Layer:
    """A layer without parameters; activations have the shape height x width x channels."""
    units, kernel, stride, same, mask, scope = 0, (0, 0), (0, 0), False, 3, 3
    tensors = ()                                                        # shapes: weights, bias

    def __init__(self, entry, shape):
        self.shape = shape

    def online(self, w, x, d, a):
        """The tensors after an online update."""
        return [tensor - a * gradient for tensor, gradient in zip(w, self.gradients(w, x, d))]

    @property
    def moving(self):
        """The tensors that steps move, as `mask`: those that are trainable, of a scope those of it."""
        return self.mask & self.scope

    def update(self, w, tensors):
        for bit, tensor in enumerate(tensors):
            assert tensor.dtype == F
            if self.moving >> bit & 1:
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
