#include "skink/coordinator/provisioning/revoked_list.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <sstream>

#include "pki_folder.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/host/files/files.hpp"

namespace skink::provisioning {

Result<coordinator::RevokedIds> read_revoked_list(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return because(text.error(), Cause::kCredentials);
  coordinator::RevokedIds ids;
  std::istringstream lines(*text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    line.erase(std::min(line.find('#'), line.size()));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    const std::string id = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    if (!wire::is_valid_id({id.data(), id.size()})) {
      return make_error(Status::kDamaged, fmt::format("{}:{}: '{}' is not a device id", path, number, id),
                        Cause::kCredentials);
    }
    ids.insert(id);
  }
  return ids;
}

Result<bool> add_to_revoked_list(const std::string& path, const std::string& id) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const auto lock = lock_folder({folder.empty() ? "." : folder.string()});
  if (!lock) return lock.error();
  auto text = list_text(path);
  if (!text) return text.error();
  std::error_code code;
  if (std::filesystem::exists(path, code)) {
    const auto ids = read_revoked_list(path);
    if (!ids) return ids.error();
    if (ids->contains(id)) return false;
  }
  add_line(*text, id);
  const auto written = write_file(path, *text, Readers::kEverybody);
  if (!written) return written.error();
  return true;
}

}  // namespace skink::provisioning
