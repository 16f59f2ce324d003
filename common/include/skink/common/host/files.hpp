#pragma once
/// @file
/// Whole files: read, written so that no half of one is ever left, and keys. Every error is kUnavailable (or kDamaged
/// for a key's content) with a message that begins with the path.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "skink/common/host/result.hpp"
#include "skink/common/span.hpp"
#include "skink/common/wire/crypto.hpp"

namespace skink {

/// Everything is read into memory. A longer file than `max_bytes` is kUnsupported.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = std::size_t{1} << 34);

/// Who may read a new file.
enum class Readers : std::uint8_t {
  kAsUsual,   ///< as the process's umask has it
  kOwner,     ///< mode 0600, from the first byte on: secrets
  kEverybody  ///< mode 0644, whatever the umask: what a program of another user must reach
};

/// Writes `<path>.part` and renames it, so that a full disk or a kill leaves the old file as it was. Pipes and devices
/// are written directly.
Result<void> write_file(const std::string& path, std::string_view content, Readers readers = Readers::kAsUsual);

/// Makes the folder and those above it; one that exists is fine.
Result<void> make_folder(const std::string& path);

/// A key file: 64 hexadecimal digits and perhaps an end of line.
Result<wire::Key> read_key(const std::string& path);

inline Bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace skink
