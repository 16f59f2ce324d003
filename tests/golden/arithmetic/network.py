"""docs/arithmetic.md, section 6: losses, a whole network and its updates; docs/model-file.md."""

import copy
import hashlib
import math
import struct

import numpy as np

from .elementary import exp, log
from .floats import ONE, F, chain, without_minus_zero
from .layers import Dense, Flatten, GlobalAveragePool, GroupNorm, Rational, Relu, Tanh
from .windows import AveragePool, Conv2d, DepthwiseConv2d, MaxPool, along_series

LAYERS = {"dense": Dense, "conv2d": Conv2d, "max_pool": MaxPool, "average_pool": AveragePool, "flatten": Flatten,
          "relu": Relu, "tanh": Tanh, "depthwise_conv2d": DepthwiseConv2d, "global_average_pool": GlobalAveragePool,
          "group_norm": GroupNorm, "rational": Rational, "conv1d": along_series(Conv2d),
          "depthwise_conv1d": along_series(DepthwiseConv2d), "max_pool1d": along_series(MaxPool),
          "average_pool1d": along_series(AveragePool)}


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


def multiclass_hinge(z, label):
    j = 1 if label == 0 else 0
    for o in range(j + 1, len(z)):
        j = o if o != label and z[o] > z[j] else j
    m = ONE + (z[j] - z[label])
    d = np.zeros(len(z), F)
    if m > 0:
        d[label], d[j] = -ONE, ONE
    return (m if m > 0 else F(0) * m), d


LOSSES = {"softmax_cross_entropy": (1, softmax_cross_entropy), "mean_squared_error": (2, mean_squared_error),
          "reconstruction": (3, mean_squared_error), "multiclass_hinge": (4, multiclass_hinge)}


def prediction(z):
    best = 0
    for o in range(1, len(z)):
        best = o if z[o] > z[best] else best
    return best


class Network:
    """The shape of a model. Its parameters are one flat array; `tensors` are its views, a tuple for each layer."""

    def __init__(self, model, adaptation=None):
        self.adaptation = adaptation  # (inner learning rate, passes, batch size), or None
        shape = tuple(model["input"])
        self.input = shape = {1: (1, 1, *shape), 2: (shape[0], 1, shape[-1]), 3: shape}[len(shape)]
        scale, offset = (np.atleast_1d(np.array(model.get(key, default), np.float64)).astype(F)
                         for key, default in (("input_scale", 1.0), ("input_offset", 0.0)))
        self.scales = np.stack(np.broadcast_arrays(scale, offset))      # [2, S]
        self.scale, self.offset = (np.resize(part, math.prod(shape)) for part in self.scales)
        self.loss_kind, self.loss_function = LOSSES[model["loss"]]
        self.layers = []
        for entry in model["layers"]:
            self.layers.append(LAYERS[entry["type"]](entry, shape))
            shape = self.layers[-1].shape
        self.parameters = sum(math.prod(shape) for layer in self.layers for shape in layer.tensors)
        self.find_trainable()

    def find_trainable(self):
        everything = self.tensors(np.arange(self.parameters))
        by_tensor = [tensor.ravel() for layer, tensors in zip(self.layers, everything)
                     for bit, tensor in enumerate(tensors) if layer.moving >> bit & 1]
        self.trainable = np.concatenate(by_tensor)                      # indices
        self.trainable_sizes = [len(indices) for indices in by_tensor]
        self.lowest = min((i for i, layer in enumerate(self.layers) if layer.tensors and layer.moving), default=0)

    def narrowed(self, scope):
        """The network of which only a scope moves: docs/arithmetic.md, section 7."""
        with_parameters = [i for i, layer in enumerate(self.layers) if layer.tensors]
        tensors = [(i, bit) for i in with_parameters for bit in (0, 1)]

        def named(part):
            if part == "all":
                return tensors
            if part == "bias":
                return [(i, bit) for i, bit in tensors if bit == 1 and not isinstance(self.layers[i], Rational)]
            if part == "head" or part.startswith("last:"):
                count = 1 if part == "head" else int(part.removeprefix("last:"))
                return [(i, bit) for i, bit in tensors if i in with_parameters[-count:]]
            layer, tensor = part.split(".")
            return [(int(layer), ("weights", "bias").index(tensor))]

        return self.moving({tensor for part in scope.split("+") for tensor in named(part)})

    def without(self, frozen):
        """The same, of a task: bit t of `frozen` is tensor t. None: nothing of it moves."""
        tensors = [(i, bit) for i, layer in enumerate(self.layers) if layer.tensors for bit in (0, 1)]
        moved = {tensor for t, tensor in enumerate(tensors) if not frozen >> t & 1}
        can_move = any(self.layers[i].mask >> bit & 1 for i, bit in moved)
        return self.moving(moved) if can_move else None

    def moving(self, moved):
        network = copy.copy(self)
        network.layers = [copy.copy(layer) for layer in self.layers]
        for i, layer in enumerate(network.layers):
            layer.scope = sum(1 << bit for bit in (0, 1) if (i, bit) in moved)
        network.find_trainable()
        return network

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

    def accumulated(self, w, samples):
        """The sum of the gradients, a tuple for each layer, and the losses."""
        total, losses = self.tensors(np.zeros(self.parameters, F)), []
        for sample in samples:
            loss, visits = self.backward(w, sample)
            losses.append(loss)
            for i, layer, x, d in visits:
                for tensor, gradient in zip(total[i], layer.gradients(w[i], x, d)):
                    tensor += gradient
        return total, losses

    def apply(self, w, total, count, a):
        rate = a / F(count)
        for layer, tensors, gradients in zip(self.layers, w, total):
            layer.update(tensors, [tensor - rate * gradient for tensor, gradient in zip(tensors, gradients)])

    def train_batch(self, w, samples, a):
        total, losses = self.accumulated(w, samples)
        self.apply(w, total, len(samples), a)
        return losses

    def model_file(self, phi):
        """docs/model-file.md"""
        layers = b"".join(struct.pack("<BBHBBBBB3x", layer.kind, layer.mask, layer.units, *layer.kernel, *layer.stride,
                                      layer.same) for layer in self.layers)
        adaptation = b"" if self.adaptation is None else struct.pack("<fII", *self.adaptation)
        length = 32 + len(layers) + len(adaptation) + 4 * self.scales.size + 4 * self.parameters + 32
        data = struct.pack("<4sHHHHI3HBBII", b"SKM\0", 3 if adaptation else 2, 2, 1, 2, length, *self.input, self.loss_kind,
                           len(self.layers), self.scales.shape[1], self.parameters)
        data += layers + adaptation + without_minus_zero(self.scales).astype("<f4").tobytes() + without_minus_zero(phi).astype("<f4").tobytes()
        return data + hashlib.sha256(data).digest()

    def model_hash(self, phi):
        return self.model_file(phi)[-32:].hex()
