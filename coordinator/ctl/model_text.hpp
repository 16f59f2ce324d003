#pragma once
/// @file
/// A model file in words.

#include <string>

#include "skink/host/result.hpp"

namespace skink::ctl {

/// Layers, tensors, mask, normalisation, versions and hash of a model file, and what training it takes of a device.
/// The error says why a file is refused.
Result<std::string> describe_model(const std::string& path);

}  // namespace skink::ctl
