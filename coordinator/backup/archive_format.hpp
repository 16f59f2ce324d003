#pragma once
/// @file
/// One header block of ustar. Private to the archive.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "archive.hpp"

namespace skink::backup {

/// What every archive has in its first block.
inline constexpr std::size_t kArchiveMarkAt = 257;
inline constexpr std::string_view kArchiveMark{"ustar\00000", 8};  // "ustar", 0, version "00"

using Block = std::array<char, kBlockBytes>;

/// The block of a plain file. @returns false when the name or the size does not fit.
bool write_header(const ArchivedFile& file, Block& block);

/// What a block says. @returns kDamaged for anything that write_header() does not write.
Status read_header(const Block& block, ArchivedFile& file);

bool is_zero(const Block& block);

/// How many bytes follow a content, up to a whole block.
inline std::uint64_t padding_of(std::uint64_t bytes) { return (kBlockBytes - bytes % kBlockBytes) % kBlockBytes; }

}  // namespace skink::backup
