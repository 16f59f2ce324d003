#pragma once
/// @file
/// Whole files: read, written so that no half of one is ever left, not even by a power cut, and keys. Durable files of
/// hosts are written here and nowhere else (but for the coordinator's store, which SQLite writes). Every error is
/// kUnavailable (or kDamaged for a key's content) with a message that begins with the path.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/span.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// Everything is read into memory. A longer file than `max_bytes` is kUnsupported.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = std::size_t{1} << 34);

/// Who may read a new file.
enum class Readers : std::uint8_t {
  kAsUsual,   ///< as the process's umask has it
  kOwner,     ///< mode 0600, from the first byte on: secrets
  kEverybody  ///< mode 0644, whatever the umask: what a program of another user must reach
};

/// Makes the next part of a content, valid until the next call; false: there is none.
using NextPart = std::function<bool(std::string_view& part)>;

/// A file's next content: written and on the disk, but not in its place yet. What is not committed is removed.
class StagedFile {
 public:
  /// Writes `<path>.part` and synchronises it, so that a full disk is found before anything changes. Two processes must
  /// not stage one path at a time: their callers hold a lock.
  static Result<StagedFile> write(const std::string& path, std::string_view content,
                                  Readers readers = Readers::kAsUsual);
  /// The same from parts, for a content that should not be in memory as a whole.
  static Result<StagedFile> write_parts(const std::string& path, const NextPart& next,
                                        Readers readers = Readers::kAsUsual);
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  /// Renames it to `path`, in one step. Once. Durable after sync_names() of the folder.
  Result<void> place();

 private:
  explicit StagedFile(std::string path);
  std::string staged() const { return path_ + ".part"; }
  std::string path_;  ///< empty: nothing to remove
};

/// Replaces a file: whatever happens (a full disk, a kill, a power cut), it has its old content or its new one, and the
/// new one once this has returned. Pipes and devices are written directly.
Result<void> write_file(const std::string& path, std::string_view content, Readers readers = Readers::kAsUsual);

/// The same from parts.
Result<void> write_parts(const std::string& path, const NextPart& next, Readers readers = Readers::kAsUsual);

/// Could the file be written now? To be asked before hours of work that end in write_file(). Changes nothing; an empty
/// path and a device are fine.
Result<void> check_writable(const std::string& path);

/// Removes a file durably; one that is not there is fine.
Result<void> remove_file(const std::string& path);

/// A file in a folder that sync_folder() and move_folder() will make durable, or that nobody needs after a power cut.
Result<void> write_unsynchronised(const std::string& path, std::string_view content,
                                  Readers readers = Readers::kAsUsual);

/// Makes durable which files are in a folder under which names. Empty: the current folder.
Result<void> sync_names(const std::string& folder);

/// Makes the folder and those above it, durably; one that exists is fine.
Result<void> make_folder(const std::string& path);

/// Makes durable the files in a folder and their names. Folders in it are left alone.
Result<void> sync_folder(const std::string& path);

/// What move_folder() does with a folder that is in the place already.
enum class Occupied : std::uint8_t {
  kRefuse,
  kExchange  ///< the two change places, in one step
};

/// Moves a folder to its place on the same file system, in one step and durably. Its content must be on the disk
/// already.
Result<void> move_folder(const std::string& from, const std::string& to, Occupied occupied);

/// A key file: 64 hexadecimal digits and perhaps an end of line.
Result<crypto::Key> read_key(const std::string& path);

inline Bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace skink
