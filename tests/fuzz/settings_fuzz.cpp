/// @file
/// What operators write: the coordinator's configuration, the list of revoked devices, settings and addresses of a
/// command line. Any text gives values within their ranges, or a reason that names the file.

#include <string>

#include "fakes/scratch_folder.hpp"
#include "harness.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/config/overrides.hpp"

namespace skink::test {
namespace {

void check_reason(const Error& error, const std::string& file) {
  promise(error.message.find(file) != std::string::npos, "the reason names the file");
}

void check_settings(const std::string& path) {
  const auto settings = coordinator::read_settings(path);
  if (!settings) return check_reason(settings.error(), "settings.txt");
  promise(settings->port != 0 && !settings->host.empty(), "the broker has an address");
  promise(!settings->experiment.empty() && !settings->store.empty() && !settings->master_key.empty(),
          "files have names");
  promise(wire::is_valid_id({settings->fleet.data(), settings->fleet.size()}), "the fleet has a name");
}

void check_revoked(const std::string& path) {
  const auto ids = provisioning::read_revoked_list(path);
  if (!ids) return check_reason(ids.error(), "settings.txt");
  for (const std::string& id : *ids) promise(wire::is_valid_id({id.data(), id.size()}), "ids are ids");
}

}  // namespace

void fuzz_settings(Bytes input) {
  static const ScratchFolder folder;
  const std::string path = folder.write("settings.txt", input);
  check_settings(path);
  check_revoked(path);
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto overrides = parse_overrides({text});
  promise(!overrides || (overrides->size() == 1 && !overrides->front().key.empty()), "a setting has a key");
  const auto address = parse_network_address(text);
  promise(!address || (!address->host.empty() && address->port != 0), "an address has host and port");
}

}  // namespace skink::test
