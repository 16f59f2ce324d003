#pragma once
/// @file
/// The kernels, over the number type. Every sum has one written order (docs/arithmetic.md, section 6): it starts from
/// the bias or from 0 and takes its terms in ascending order; nothing here may split or reorder a sum.
///
/// Backward passes work in place: on entry `x` holds a layer's inputs and `d` the loss gradient of its outputs; on exit
/// `x` holds the gradient of the inputs. That is possible because the gradient of input i and the update of the weights
/// that touch input i need nothing of the other inputs; it gives the bits of "the whole input gradient first, then the
/// update", because column i of the weights enters both before it changes.
///
/// Updates are written as target += (scale * d) * x: online SGD passes the parameters themselves and scale = -alpha,
/// a mini-batch passes the gradient buffer and scale = 1. Include from .cpp files only.

#include "skink/common/nn/kernels/activation.hpp"
#include "skink/common/nn/kernels/channelwise.hpp"
#include "skink/common/nn/kernels/conv2d.hpp"
#include "skink/common/nn/kernels/dense.hpp"
#include "skink/common/nn/kernels/group_norm.hpp"
#include "skink/common/nn/kernels/loss.hpp"
#include "skink/common/nn/kernels/pooling.hpp"
#include "skink/common/nn/kernels/rational.hpp"
