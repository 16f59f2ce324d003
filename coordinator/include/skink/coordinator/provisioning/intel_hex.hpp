#pragma once
/// @file
/// Bytes at an address as text, in the form that flashing tools read.

#include <cstdint>
#include <string>

#include "skink/common/span.hpp"

namespace skink::provisioning {

/// Intel HEX, 32-bit linear addresses, 16 bytes a line. The image must end below 2^32.
std::string to_intel_hex(Bytes image, std::uint32_t address);

}  // namespace skink::provisioning
