#pragma once
/// @file
/// Whole files: read, and replaced atomically, so that even a power cut leaves the old content or the new one; and
/// keys. Durable files of hosts are written here and nowhere else (but for the coordinator's store, which SQLite
/// writes). An error is kUnavailable, unless a function says otherwise, with a message that begins with the path;
/// errors of writing have Cause::kStore.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/span.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// Reads a whole file, or what a pipe delivers, into memory.
/// @returns kUnavailable when it cannot be read or is a folder; kUnsupported when it is longer than `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = std::size_t{1} << 34);

/// Who may read a new file.
enum class Readers : std::uint8_t {
  kAsUsual,   ///< as the process's umask has it
  kOwner,     ///< mode 0600, from the first byte on: secrets
  kEverybody  ///< mode 0644, whatever the umask: what a program of another user must reach
};

/// Gives the next part of a content, valid until the next call; false at the end.
using NextPart = std::function<bool(std::string_view& part)>;

/// A file's next content: written and on the disk, but not in its place yet. Removed on destruction if not placed.
class StagedFile {
 public:
  /// Writes `<path>.part` and synchronises it, so that a full disk is found before anything changes. Two processes must
  /// not stage one path at a time: their callers hold a lock.
  /// @returns kUnavailable when it cannot be written; nothing is left of it then.
  static Result<StagedFile> write(const std::string& path, std::string_view content,
                                  Readers readers = Readers::kAsUsual);
  /// The same from parts, for a content that should not be in memory as a whole. Errors as write().
  static Result<StagedFile> write_parts(const std::string& path, const NextPart& next,
                                        Readers readers = Readers::kAsUsual);
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  /// Renames it to `path`, atomically. At most once. Durable after sync_names() of the folder.
  /// @returns kUnavailable when it cannot be renamed; the file at `path` is then unchanged.
  Result<void> place();

 private:
  explicit StagedFile(std::string path);
  std::string staged() const { return path_ + ".part"; }
  std::string path_;  ///< empty: nothing to remove
};

/// Replaces a file: whatever happens (a full disk, a kill, a power cut), it has its old content or its new one, and the
/// new one, durably, once this has succeeded. Pipes and devices are written directly.
/// @returns kUnavailable when it cannot be written: the file has its old content, or the new one if only synchronising
///          its folder failed. A pipe or device may have taken a part.
Result<void> write_file(const std::string& path, std::string_view content, Readers readers = Readers::kAsUsual);

/// The same from parts. Errors as write_file().
Result<void> write_parts(const std::string& path, const NextPart& next, Readers readers = Readers::kAsUsual);

/// Could the file be written now? To be asked before hours of work that end in write_file(). Makes and removes
/// `<path>.part`. An empty path, a pipe and a device are fine.
/// @returns kUnavailable when it could not.
Result<void> check_writable(const std::string& path);

/// How a file of a kind is told from others.
struct FileMark {
  const char* kind = "";   ///< for people: "a backup"
  std::string_view bytes;  ///< which such a file has; empty: no file may be there at all
  std::size_t at = 0;      ///< where
};
/// May `path` be written without losing what somebody keeps there? Nothing, or a file of the same kind, is replaced; a
/// pipe and a device are written to. Asks check_writable() too.
/// @returns kInvalidArgument for a folder or another file; kUnavailable when it could not be written, or its folder is
///          absent.
Result<void> check_replaceable(const std::string& path, const FileMark& mark);

/// Removes a file durably; one that is absent is fine.
/// @returns kUnavailable when it cannot be removed, or its folder cannot be synchronised.
Result<void> remove_file(const std::string& path);

/// Writes a file without synchronising it: in a folder that sync_folder() and move_folder() will make durable, or a
/// file that is not needed after a power cut. A file that is there is removed first.
/// @returns kUnavailable when it cannot be written; a part of it may be left.
Result<void> write_unsynchronised(const std::string& path, std::string_view content,
                                  Readers readers = Readers::kAsUsual);

/// Makes the names of the files in a folder durable. Empty: the current folder.
/// @returns kUnavailable when the folder cannot be opened or synchronised.
Result<void> sync_names(const std::string& folder);

/// Makes a folder and those above it, durably; one that exists is fine.
/// @returns kUnavailable when one cannot be made or synchronised; those above it may be left.
Result<void> make_folder(const std::string& path);

/// Makes the files in a folder and their names durable. Folders and links in it are left alone.
/// @returns kUnavailable when the folder or a file cannot be read or synchronised.
Result<void> sync_folder(const std::string& path);

/// What move_folder() does with a folder that is in the place already.
enum class Occupied : std::uint8_t {
  kRefuse,   ///< an error, and nothing changes
  kExchange  ///< the two change places, in one step
};

/// Moves a folder to its place on the same file system, atomically and durably. Its content must be on the disk
/// already: sync_folder().
/// @returns kUnavailable when `from` cannot be moved, for example because `to` exists and `occupied` is kRefuse, or is
///          on another file system: nothing is moved. Also when only synchronising the folder of `to` failed, after the
///          move.
Result<void> move_folder(const std::string& from, const std::string& to, Occupied occupied);

/// Reads a key file: 64 hexadecimal digits, then perhaps blanks and ends of lines.
/// @returns kUnavailable when it cannot be read; kUnsupported when it is longer than 4096 bytes; kDamaged for any other
///          content. Cause::kCredentials.
Result<crypto::Key> read_key(const std::string& path);

/// The bytes of a text, and the text of bytes: views of the same memory, which must outlive them.
inline Bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace skink
