"""docs/arithmetic.md, section 6: the layers that slide a window over their input."""

import math

import numpy as np

from .floats import ONE, F
from .layers import Layer, trainable_mask


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


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


def along_series(layer):
    """The layer over a series [n, channels], whose windows are numbers (docs/experiment.md)."""
    def build(entry, shape):
        sizes = {key: (entry[key], 1) for key in ("kernel", "stride") if key in entry}
        return layer(entry | sizes, shape)

    return build
