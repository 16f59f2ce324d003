#include "pki_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace skink::provisioning {

namespace fs = std::filesystem;

std::vector<std::string> certificates_in(const std::string& device_folder) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(device_folder, code)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("replaced-", 0) == 0 && name.ends_with(".pem")) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  const std::string current = device_folder + "/cert.pem";
  if (fs::exists(current, code)) paths.insert(paths.begin(), current);
  return paths;
}

Result<coordinator::RevokedIds> known_revoked(const PkiFolder& folder) {
  std::error_code code;
  if (!fs::exists(folder.revoked_list(), code)) return coordinator::RevokedIds{};
  return coordinator::read_revoked_list(folder.revoked_list());
}

void PkiLock::Closer::operator()(const int* file) const noexcept {
  ::close(*file);
  delete file;
}

Result<PkiLock> PkiLock::take(const PkiFolder& folder) {
  const std::string path = folder.root + "/.lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return make_error(Status::kUnavailable, path + ": cannot be made: " + std::strerror(errno));
  PkiLock lock;
  lock.file_.reset(new int(file));
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return lock;
  return make_error(Status::kUnavailable, folder.root + ": another program issues or revokes here; wait for it");
}

}  // namespace skink::provisioning
