#include "reload.hpp"

#include <fmt/format.h>

#include <vector>

namespace skink::gateway {

void reload(const std::string& config, coordinator::FleetService& service, coordinator::http::Server& server) {
  const char* level = "info";
  std::vector<std::string> said;
  const auto read = coordinator::read_settings(config);
  if (read) {
    const coordinator::SettingsChange change = service.change_settings(*read);
    if (!change.taken.empty())
      said.push_back(fmt::format("new for runs from now on: {}", fmt::join(change.taken, ", ")));
    if (!change.restart.empty()) {
      level = "warning";
      said.push_back(
          fmt::format("waits for a restart, after which a run goes on: {}", fmt::join(change.restart, ", ")));
    }
    if (change.taken.empty() && change.restart.empty()) said.push_back(config + " says what it said");
  } else {
    level = "error";
    said.push_back(read.error().message + "; what was read before holds");
  }
  if (!service.settings().http_certificate.empty()) {
    const auto reloaded = server.reload_certificate();
    if (!reloaded) level = "error";
    said.push_back(reloaded ? "the HTTP certificate was read again"
                            : reloaded.error().message + "; the old certificate stays in use");
  }
  service.report(level, "service.reloaded", fmt::format("{}", fmt::join(said, "; ")));
}

}  // namespace skink::gateway
