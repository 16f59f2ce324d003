#pragma once
/// @file
/// The container of a backup: an archive of POSIX tar (ustar, IEEE 1003.1-1988), of plain files only, not compressed,
/// so that `tar tf` lists it. What is read is foreign: names, sizes and modes are checked before anything is written.
///
/// A reader holds no more than one block, and writes no more than the archive has: there are no links, no folders, no
/// sparse files and nothing compressed.

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/files/files.hpp"

namespace skink::backup {

inline constexpr std::size_t kBlockBytes = 512;
inline constexpr std::uint64_t kMostFileBytes = 0777'7777'7777;  ///< 11 octal digits
inline constexpr std::size_t kMostFiles = 1'000'000;

/// A file in an archive.
struct ArchivedFile {
  std::string name;  ///< relative, with '/', without empty parts, "." and ".."
  std::uint64_t bytes = 0;
  Readers readers = Readers::kEverybody;  ///< kOwner or kEverybody
  std::string sha256;                     ///< 64 hexadecimal digits
};

/// May an archive have such a name? 1..255 bytes without control characters and '\'; parts of 1..100 bytes, 8 at most.
bool is_archive_name(std::string_view name);

/// Something to be archived.
struct ArchiveSource {
  std::string name;
  std::string path;
  Readers readers = Readers::kEverybody;
};

/// Makes an archive's bytes, part by part: the files, then one whose content is known when they have been read.
class ArchiveWriter {
 public:
  using LastContent = std::function<std::string(const std::vector<ArchivedFile>&)>;

  ArchiveWriter(std::vector<ArchiveSource> sources, std::string last_name, LastContent last_content)
      : sources_(std::move(sources)), last_name_(std::move(last_name)), last_content_(std::move(last_content)) {}

  /// As NextPart. False also after a failure: see failure().
  bool next(std::string_view& part);
  /// A source that could not be read, or does not fit; none: everything went well.
  const Result<void>& failure() const { return failure_; }
  const std::vector<ArchivedFile>& files() const { return files_; }

 private:
  enum class Stage : std::uint8_t { kHead, kContent, kLast, kEnd, kDone };

  bool fail(const std::string& message);
  bool begin_file(std::string_view& part);
  bool go_on_with_file(std::string_view& part);

  std::vector<ArchiveSource> sources_;
  std::string last_name_;
  LastContent last_content_;
  Stage stage_ = Stage::kHead;
  std::size_t at_ = 0;  ///< in sources_
  std::ifstream in_;
  std::uint64_t left_ = 0;
  std::unique_ptr<crypto::Sha256> hash_;
  std::vector<ArchivedFile> files_;
  std::vector<char> buffer_;
  Result<void> failure_;
};

/// Reads an archive from a file.
class ArchiveReader {
 public:
  /// @returns kUnavailable when the file cannot be read.
  static Result<ArchiveReader> open(const std::string& path);

  /// The next file, without its hash; an empty name: the end, after which nothing follows.
  /// @returns kDamaged for what this class does not write, kTruncated when the archive ends too early.
  Result<ArchivedFile> next();
  /// The content of that file, once: hands it to `take` in parts of 1 MiB at most, and sets the hash.
  /// @returns kTruncated when the archive ends too early.
  Result<void> read(ArchivedFile& file, const std::function<void(std::string_view)>& take);
  /// Writes it to a file, with its mode. @returns as read(), or kUnavailable when it cannot be written.
  Result<void> extract(ArchivedFile& file, const std::string& path);

 private:
  ArchiveReader() = default;
  Error damaged(Status status, const std::string& what) const;

  std::string path_;
  std::ifstream in_;
  std::uint64_t left_in_archive_ = 0;
};

}  // namespace skink::backup
