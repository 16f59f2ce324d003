#pragma once
/// @file
/// What --set replaced, as the stores keep it: a JSON list of {"key": ..., "value": ...}. Private to the stores.

#include <string>
#include <vector>

#include "skink/host/config/overrides.hpp"

namespace skink::coordinator::internal {

std::string encode_overrides(const std::vector<Override>& overrides);
/// False when it is not what encode_overrides() writes.
bool decode_overrides(const std::string& text, std::vector<Override>& overrides);

}  // namespace skink::coordinator::internal
