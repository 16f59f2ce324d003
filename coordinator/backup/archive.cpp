#include "archive.hpp"

#include <algorithm>
#include <filesystem>

#include "archive_format.hpp"

namespace skink::backup {
namespace {

constexpr std::size_t kPartBytes = std::size_t{1} << 20;

std::string hex_of(const crypto::Digest& digest) {
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest, hex);
  return hex;
}

}  // namespace

// ---- writing --------------------------------------------------------------------------------------------------------

bool ArchiveWriter::fail(const std::string& message) {
  failure_ = make_error(Status::kUnavailable, message, Cause::kStore);
  stage_ = Stage::kDone;
  return false;
}

bool ArchiveWriter::next(std::string_view& part) {
  switch (stage_) {
    case Stage::kHead:
      if (at_ < sources_.size()) return begin_file(part);
      stage_ = Stage::kLast;
      return next(part);
    case Stage::kContent: return go_on_with_file(part);
    case Stage::kLast: {
      const std::string content = last_content_(files_);
      Block block;
      if (!write_header({last_name_, content.size(), Readers::kEverybody, ""}, block)) {
        return fail(last_name_ + ": too large for an archive");
      }
      buffer_.assign(block.begin(), block.end());
      buffer_.insert(buffer_.end(), content.begin(), content.end());
      buffer_.resize(buffer_.size() + padding_of(content.size()));
      stage_ = Stage::kEnd;
      break;
    }
    case Stage::kEnd:
      buffer_.assign(2 * kBlockBytes, '\0');
      stage_ = Stage::kDone;
      break;
    case Stage::kDone: return false;
  }
  part = {buffer_.data(), buffer_.size()};
  return true;
}

bool ArchiveWriter::begin_file(std::string_view& part) {
  const ArchiveSource& source = sources_[at_];
  in_ = std::ifstream(source.path, std::ios::binary | std::ios::ate);
  if (!in_) return fail(source.path + ": cannot be read");
  left_ = static_cast<std::uint64_t>(in_.tellg());
  in_.seekg(0);
  files_.push_back({source.name, left_, source.readers, ""});
  Block block;
  if (!write_header(files_.back(), block)) return fail(source.path + ": its name or size does not fit in an archive");
  hash_ = std::make_unique<crypto::Sha256>();
  buffer_.assign(block.begin(), block.end());
  part = {buffer_.data(), buffer_.size()};
  stage_ = Stage::kContent;
  return true;
}

bool ArchiveWriter::go_on_with_file(std::string_view& part) {
  const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kPartBytes));
  buffer_.assign(now, '\0');
  in_.read(buffer_.data(), static_cast<std::streamsize>(now));
  if (static_cast<std::size_t>(in_.gcount()) != now) return fail(sources_[at_].path + ": became shorter meanwhile");
  hash_->add(bytes_of({buffer_.data(), now}));
  left_ -= now;
  if (left_ == 0) {
    files_.back().sha256 = hex_of(hash_->finish());
    buffer_.resize(now + padding_of(files_.back().bytes));
    ++at_;
    stage_ = Stage::kHead;
    in_.close();
  }
  part = {buffer_.data(), buffer_.size()};
  return true;
}

// ---- reading --------------------------------------------------------------------------------------------------------

Result<ArchiveReader> ArchiveReader::open(const std::string& path) {
  ArchiveReader reader;
  reader.path_ = path;
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) {
    return make_error(Status::kUnavailable, path + ": is not a file that can be read", Cause::kStore);
  }
  reader.left_in_archive_ = std::filesystem::file_size(path, code);
  reader.in_ = std::ifstream(path, std::ios::binary);
  if (code || !reader.in_) return make_error(Status::kUnavailable, path + ": cannot be read", Cause::kStore);
  return reader;
}

Error ArchiveReader::damaged(Status status, const std::string& what) const {
  return make_error(status, path_ + ": is no backup of this program, or damaged: " + what, Cause::kStore);
}

Result<ArchivedFile> ArchiveReader::next() {
  Block block;
  if (left_in_archive_ < block.size() || !in_.read(block.data(), block.size())) {
    return damaged(Status::kTruncated, "it ends too early");
  }
  left_in_archive_ -= block.size();
  if (is_zero(block)) {
    if (left_in_archive_ != block.size() || !in_.read(block.data(), block.size()) || !is_zero(block)) {
      return damaged(Status::kDamaged, "something follows its end");
    }
    left_in_archive_ = 0;
    return ArchivedFile{};
  }
  ArchivedFile file;
  if (read_header(block, file) != Status::kOk) {
    return damaged(Status::kDamaged, "an entry is not a plain file with a harmless name");
  }
  if (file.bytes + padding_of(file.bytes) > left_in_archive_) {
    return damaged(Status::kTruncated, file.name + " ends too early");
  }
  return file;
}

Result<void> ArchiveReader::read(ArchivedFile& file, const std::function<void(std::string_view)>& take) {
  crypto::Sha256 hash;
  std::vector<char> part;
  for (std::uint64_t left = file.bytes; left > 0; left -= part.size()) {
    part.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPartBytes)));
    if (!in_.read(part.data(), static_cast<std::streamsize>(part.size()))) {
      return damaged(Status::kTruncated, file.name + " ends too early");
    }
    hash.add(bytes_of({part.data(), part.size()}));
    take({part.data(), part.size()});
  }
  Block block;
  const std::uint64_t padding = padding_of(file.bytes);
  block.fill('\0');
  if (!in_.read(block.data(), static_cast<std::streamsize>(padding)) || !is_zero(block)) {
    return damaged(Status::kDamaged, "what follows " + file.name);
  }
  left_in_archive_ -= file.bytes + padding;
  file.sha256 = hex_of(hash.finish());
  return {};
}

Result<void> ArchiveReader::extract(ArchivedFile& file, const std::string& path) {
  std::uint64_t left = file.bytes;
  crypto::Sha256 hash;
  std::vector<char> buffer;
  bool is_short = false;
  const NextPart parts = [&](std::string_view& part) {
    if (left == 0) return false;
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPartBytes)));
    is_short = !in_.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    if (is_short) return false;
    part = {buffer.data(), buffer.size()};
    hash.add(bytes_of(part));
    left -= buffer.size();
    return true;
  };
  auto done = write_parts(path, parts, file.readers);
  if (is_short) return damaged(Status::kTruncated, file.name + " ends too early");
  if (!done) return done;
  left_in_archive_ -= file.bytes;
  ArchivedFile rest{file.name, 0, file.readers, ""};
  Block block;
  block.fill('\0');
  const std::uint64_t padding = padding_of(file.bytes);
  if (!in_.read(block.data(), static_cast<std::streamsize>(padding)) || !is_zero(block)) {
    return damaged(Status::kDamaged, "what follows " + file.name);
  }
  left_in_archive_ -= padding;
  file.sha256 = hex_of(hash.finish());
  return {};
}

}  // namespace skink::backup
