#pragma once
/// @file
/// Series are images that are one column wide (conv1d). The kernels of convolutions work side by side on numbers of a
/// row, so a column is better read as a row: the same numbers in the same order, under another shape.

#include "skink/common/nn/network.hpp"

namespace skink::simulations {

/// The plan of a layer; of a conv2d along a column with the column turned into a row. Orders of sums stay, because one
/// axis of the kernel is 1.
nn::LayerPlan row_plan(const nn::LayerPlan& plan) noexcept;

}  // namespace skink::simulations
