#include "ownership.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

namespace skink::setup {
namespace {

namespace fs = std::filesystem;

struct Account {
  uid_t user;
  gid_t group;
};

std::optional<Account> account_of(const std::string& name) {
  std::vector<char> memory(std::size_t{1} << 16);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr) return {};
  return Account{entry.pw_uid, entry.pw_gid};
}

Result<void> give_one(const std::string& path, const Account& account) {
  if (::lchown(path.c_str(), account.user, account.group) == 0) return {};
  return make_error(Status::kUnavailable, path + ": its owner cannot be changed: " + std::strerror(errno),
                    Cause::kStore);
}

}  // namespace

bool can_give_to(const std::string& user) { return ::geteuid() == 0 && account_of(user).has_value(); }

Result<void> give_to(const std::string& folder, const std::string& user) {
  if (::geteuid() != 0) return {};
  const auto account = account_of(user);
  if (!account) return {};
  auto done = give_one(folder, *account);
  std::error_code code;
  for (auto entry = fs::recursive_directory_iterator(folder, code); done && entry != fs::end(entry);
       entry.increment(code)) {
    done = give_one(entry->path().string(), *account);
  }
  if (done && code) return make_error(Status::kUnavailable, folder + ": " + code.message(), Cause::kStore);
  return done;
}

}  // namespace skink::setup
