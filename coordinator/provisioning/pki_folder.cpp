#include "pki_folder.hpp"

#include <algorithm>
#include <filesystem>

#include "openssl.hpp"
#include "skink/coordinator/provisioning/revocation.hpp"
#include "skink/host/files/files.hpp"

namespace skink::provisioning {

namespace fs = std::filesystem;

bool has_authority(const PkiFolder& folder) {
  std::error_code code;
  return fs::exists(folder.ca(), code) && fs::exists(folder.ca_key(), code);
}

std::vector<std::string> certificates_in(const std::string& device_folder) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(device_folder, code)) {
    const std::string name = entry.path().filename().string();
    const bool is_other = name.rfind("replaced-", 0) == 0 || name.rfind("issued-", 0) == 0;
    if (is_other && name.ends_with(".pem")) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  const std::string current = device_folder + "/cert.pem";
  if (fs::exists(current, code)) paths.insert(paths.begin(), current);
  return paths;
}

Result<coordinator::RevokedIds> known_revoked(const PkiFolder& folder) {
  std::error_code code;
  if (!fs::exists(folder.revoked_list(), code)) return coordinator::RevokedIds{};
  return provisioning::read_revoked_list(folder.revoked_list());
}

Result<std::string> list_text(const std::string& path) {
  std::error_code code;
  if (!fs::exists(path, code)) return std::string(kRevokedListHead);
  return read_file(path);
}

void add_line(std::string& text, const std::string& id) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  const Time now(X509_gmtime_adj(nullptr, 0));
  text.append(id).append("  # ").append(date_text(now.get())).append("\n");
}

Result<FolderLock> lock_folder(const PkiFolder& folder) {
  return FolderLock::take(folder.root, "another program issues or revokes here; wait for it");
}

}  // namespace skink::provisioning
