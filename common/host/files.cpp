#include "skink/common/host/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

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

/// An empty file with its mode already set. False with errno.
bool create_for(Readers readers, const std::string& path) {
  ::unlink(path.c_str());  // of an earlier process, perhaps with another mode
  const mode_t mode = readers == Readers::kOwner ? 0600 : 0644;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return false;
  const bool is_set = ::fchmod(file, mode) == 0;  // past the umask
  return ::close(file) == 0 && is_set;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  errno = 0;
  std::error_code code;
  if (fs::is_directory(path, code)) return unavailable(path, "cannot be read: it is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unavailable(path, "cannot be read: " + last_error());
  std::string content;
  const std::uintmax_t size = fs::file_size(path, code);
  if (!code && size <= max_bytes) content.reserve(static_cast<std::size_t>(size));
  char part[1 << 16];
  while (file.read(part, sizeof part) || file.gcount() > 0) {
    content.append(part, static_cast<std::size_t>(file.gcount()));
    if (content.size() > max_bytes) {
      return make_error(Status::kUnsupported, path + ": longer than " + std::to_string(max_bytes) + " bytes");
    }
  }
  if (!file.eof()) return unavailable(path, "reading stopped before the end: " + last_error());
  return content;
}

Result<void> write_file(const std::string& path, std::string_view content, Readers readers) {
  errno = 0;
  const std::string written = is_special(path) ? path : path + ".part";
  if (written != path && readers != Readers::kAsUsual && !create_for(readers, written)) {
    return unavailable(path, "cannot be written: " + last_error());
  }
  std::ofstream out(written, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  std::string failure = out ? "" : last_error();
  if (failure.empty() && written != path && std::rename(written.c_str(), path.c_str()) != 0) failure = last_error();
  if (failure.empty()) return {};
  if (written != path) std::remove(written.c_str());
  return unavailable(path, "cannot be written: " + failure);
}

Result<void> make_folder(const std::string& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return unavailable(path, "cannot be created: " + code.message());
  return {};
}

Result<wire::Key> read_key(const std::string& path) {
  static_assert(wire::kKeyBytes == wire::kDigestBytes, "read as a digest");
  auto text = read_file(path, 4096);
  if (!text) return text.error();
  while (!text->empty() && std::strchr("\r\n ", text->back()) != nullptr) text->pop_back();
  wire::Digest digits;
  if (!wire::from_hex(text->data(), text->size(), digits)) {
    return make_error(Status::kDamaged,
                      path + ": a key is 64 hexadecimal digits; make one with 'openssl rand -hex 32'");
  }
  wire::Key key;
  std::memcpy(key.bytes, digits.bytes, sizeof key.bytes);
  return key;
}

}  // namespace skink
