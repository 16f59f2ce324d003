#pragma once
/// @file
/// One header block of ustar. Private to the archive.

#include <array>
#include <cstdint>
#include <string>

#include "archive.hpp"

namespace skink::backup {

using Block = std::array<char, kBlockBytes>;

/// The block of a plain file. @returns false when the name or the size does not fit.
bool write_header(const ArchivedFile& file, Block& block);

/// What a block says. @returns kDamaged for anything that write_header() does not write.
Status read_header(const Block& block, ArchivedFile& file);

bool is_zero(const Block& block);

/// How many bytes follow a content, up to a whole block.
inline std::uint64_t padding_of(std::uint64_t bytes) { return (kBlockBytes - bytes % kBlockBytes) % kBlockBytes; }

}  // namespace skink::backup
