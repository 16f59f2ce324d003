#include "skink/host/files/files.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <utility>
#include <vector>

namespace skink {
namespace {

namespace fs = std::filesystem;

Error unavailable(const std::string& path, const std::string& what) {
  return make_error(Status::kUnavailable, path + ": " + what);
}

std::string last_error() { return errno != 0 ? std::strerror(errno) : "input or output failed"; }

/// True for a file that exists and is none that can be replaced: a pipe, a terminal, /dev/stdout.
bool is_special(const std::string& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  return fs::exists(status) && !fs::is_regular_file(status);
}

/// Empty: the current one.
std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

/// A file descriptor that is closed in the end. A failed close() of a file that is synchronised loses nothing.
class Descriptor {
 public:
  explicit Descriptor(int file) : file_(file) {}
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool is_open() const { return file_ >= 0; }
  int get() const { return file_; }

 private:
  int file_;
};

/// An empty file, with its mode already set. Not open with errno.
int create(const std::string& path, Readers readers) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return -1;  // of an earlier process, perhaps with another mode
  const mode_t mode = readers == Readers::kAsUsual ? 0666 : readers == Readers::kOwner ? 0600 : 0644;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file >= 0 && readers != Readers::kAsUsual) (void)::fchmod(file, mode);  // past the umask
  return file;
}

/// False with errno.
bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool write_all_parts(int file, const NextPart& next) {
  std::string_view part;
  while (next(part)) {
    if (!write_all(file, part)) return false;
  }
  return true;
}

NextPart one_part(std::string_view content) {
  return [content, is_read = false](std::string_view& part) mutable {
    part = content;
    return !std::exchange(is_read, true);
  };
}

/// Some file systems have nothing to synchronise. False with errno.
bool synchronise(int file) { return ::fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP; }

Error because_of_disk(const std::string& path, const std::string& what) {
  return because(unavailable(path, what), Cause::kStore);
}

Error unwritable(const std::string& path) { return because_of_disk(path, "cannot be written: " + last_error()); }

/// Pipes and devices.
Result<void> write_special(const std::string& path, const NextPart& next) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open() || !write_all_parts(file.get(), next)) return unwritable(path);
  return {};
}

}  // namespace

namespace {

constexpr std::size_t kMaxDeviceBytes = std::size_t{64} << 20;

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  errno = 0;
  std::error_code code;
  if (fs::is_directory(path, code)) return unavailable(path, "cannot be read: it is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unavailable(path, "cannot be read: " + last_error());
  if (fs::is_character_file(path, code)) max_bytes = std::min(max_bytes, kMaxDeviceBytes);  // /dev/zero has no end
  std::string content;
  const std::uintmax_t size = fs::file_size(path, code);
  try {
    if (!code && size <= max_bytes) content.reserve(static_cast<std::size_t>(size));
    char part[1 << 16];
    while (file.read(part, sizeof part) || file.gcount() > 0) {
      content.append(part, static_cast<std::size_t>(file.gcount()));
      if (content.size() > max_bytes) {
        return make_error(Status::kUnsupported, path + ": longer than " + std::to_string(max_bytes) + " bytes");
      }
    }
  } catch (const std::bad_alloc&) {
    return unavailable(path, "does not fit into the memory of this machine");
  }
  if (!file.eof()) return unavailable(path, "reading stopped before the end: " + last_error());
  return content;
}

StagedFile::StagedFile(std::string path) : path_(std::move(path)) {}
StagedFile::StagedFile(StagedFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
StagedFile::~StagedFile() {
  if (!path_.empty()) ::unlink(staged().c_str());
}

Result<StagedFile> StagedFile::write(const std::string& path, std::string_view content, Readers readers) {
  return write_parts(path, one_part(content), readers);
}

Result<StagedFile> StagedFile::write_parts(const std::string& path, const NextPart& next, Readers readers) {
  errno = 0;
  const Descriptor file(create(path + ".part", readers));
  if (!file.is_open()) return unwritable(path);
  StagedFile written(path);  // removes it on an error
  if (!write_all_parts(file.get(), next) || !synchronise(file.get())) return unwritable(path);
  return written;
}

Result<void> StagedFile::place() {
  errno = 0;
  if (std::rename(staged().c_str(), path_.c_str()) != 0) return unwritable(path_);
  path_.clear();
  return {};
}

Result<void> sync_names(const std::string& folder) {
  errno = 0;
  const Descriptor file(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.is_open() && synchronise(file.get())) return {};
  return because_of_disk(folder, "cannot be synchronised with the disk: " + last_error());
}

Result<void> write_file(const std::string& path, std::string_view content, Readers readers) {
  return write_parts(path, one_part(content), readers);
}

Result<void> write_parts(const std::string& path, const NextPart& next, Readers readers) {
  if (is_special(path)) return write_special(path, next);
  auto staged = StagedFile::write_parts(path, next, readers);
  if (!staged) return staged.error();
  auto done = staged->place();
  if (done) done = sync_names(folder_of(path));
  return done;
}

Result<void> check_writable(const std::string& path) {
  if (path.empty() || is_special(path)) return {};
  const auto staged = StagedFile::write(path, {});
  if (!staged) return staged.error();
  return {};
}

Result<void> check_replaceable(const std::string& path, const FileMark& mark) {
  std::error_code code;
  if (fs::is_directory(path, code)) {
    return make_error(Status::kInvalidArgument, path + ": is a folder; name a file", Cause::kUsage);
  }
  const std::string folder = folder_of(path);
  if (!folder.empty() && !fs::is_directory(folder, code)) {
    return make_error(Status::kUnavailable, folder + ": there is no such folder", Cause::kStore);
  }
  if (fs::is_regular_file(path, code)) {
    std::string head(mark.at + mark.bytes.size(), '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (mark.bytes.empty() || !file || head.compare(mark.at, std::string::npos, mark.bytes) != 0) {
      return make_error(Status::kInvalidArgument,
                        path + ": is there already" +
                            (mark.bytes.empty() ? std::string() : std::string(", and is not ") + mark.kind) +
                            "; it is left alone: name another file",
                        Cause::kUsage);
    }
  }
  return check_writable(path);
}

Result<void> remove_file(const std::string& path) {
  errno = 0;
  if (::unlink(path.c_str()) == 0) return sync_names(folder_of(path));
  if (errno == ENOENT) return {};
  return because_of_disk(path, "cannot be removed: " + last_error());
}

Result<void> write_unsynchronised(const std::string& path, std::string_view content, Readers readers) {
  errno = 0;
  const Descriptor file(create(path, readers));
  if (!file.is_open() || !write_all(file.get(), content)) return unwritable(path);
  return {};
}

Result<void> make_folder(const std::string& path) {
  std::error_code code;
  std::vector<std::string> absent;  // the lowest first
  for (std::string at = path; !at.empty() && !fs::is_directory(at, code); at = fs::path(at).parent_path().string()) {
    absent.push_back(at);
  }
  for (; !absent.empty(); absent.pop_back()) {
    fs::create_directory(absent.back(), code);
    if (code) return because_of_disk(path, "cannot be created: " + code.message());
    auto synchronised = sync_names(folder_of(absent.back()));
    if (!synchronised) return synchronised;
  }
  return {};
}

Result<void> sync_folder(const std::string& path) {
  std::error_code code;
  fs::directory_iterator entries(path, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().string();
    const fs::file_status status = entries->symlink_status(code);
    if (code || !fs::is_regular_file(status)) continue;
    const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open() || !synchronise(file.get())) return unwritable(name);
  }
  if (code) return unavailable(path, "cannot be read: " + code.message());
  return sync_names(path);
}

Result<void> move_folder(const std::string& from, const std::string& to, Occupied occupied) {
  errno = 0;
  std::error_code code;
  const bool exchanges = occupied == Occupied::kExchange && fs::exists(to, code);
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), exchanges ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0) {
    return unwritable(to);
  }
  return sync_names(folder_of(to));
}

Result<crypto::Key> read_key(const std::string& path) {
  static_assert(crypto::kKeyBytes == crypto::kDigestBytes, "read as a digest");
  auto text = read_file(path, 4096);
  if (!text) return because(text.error(), Cause::kCredentials);
  while (!text->empty() && std::strchr("\r\n ", text->back()) != nullptr) text->pop_back();
  crypto::Digest digits;
  if (!crypto::from_hex(text->data(), text->size(), digits)) {
    return make_error(Status::kDamaged, path + ": a key is 64 hexadecimal digits; make one with 'openssl rand -hex 32'",
                      Cause::kCredentials);
  }
  crypto::Key key;
  std::memcpy(key.bytes, digits.bytes, sizeof key.bytes);
  return key;
}

}  // namespace skink
