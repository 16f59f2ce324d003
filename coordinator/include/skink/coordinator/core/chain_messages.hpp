#pragma once
/// @file
/// A chain of patches on its way to one device: docs/protocol.md, section 1. No I/O.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/coordinator/core/actions.hpp"

namespace skink::coordinator {

/// Messages of `message_bytes` at most, as long as a model's chunks; each begins with the digest of the model that the
/// chain leads to, and the place of the part in the chain. An empty chain has none.
std::vector<Publish> chain_messages(const std::string& device_id, const crypto::Digest& model,
                                    const std::vector<std::uint8_t>& chain, std::uint32_t message_bytes);

}  // namespace skink::coordinator
