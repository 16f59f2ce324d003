#pragma once
/// @file
/// Whether a model file can be used for an experiment; and if not, which of the two is to be changed.

#include <string>

#include "skink/common/model/model_file.hpp"
#include "skink/host/result.hpp"

namespace skink::simulations {

/// Is the file sound, and of this network with this input normalisation?
///
/// @param[in] path    of the file, for messages.
/// @param[in] wanted  what the experiment says.
/// @returns Cause::kData: kDamaged, kTruncated, kNotFinite; kNewerVersion or kUnsupported for a file of another
///          version; kShapeMismatch: it is sound, but of another network, or sees its inputs otherwise. The message
///          says which, with both sides.
Result<void> match_model(Bytes file, const std::string& path, const model::Model& wanted);

}  // namespace skink::simulations
