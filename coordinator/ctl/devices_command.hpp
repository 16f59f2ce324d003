#pragma once
/// @file
/// skinkctl devices: list, show, label, group, note, exclude, include, revoke, forget; with --store those of one run's
/// store.

#include <string>
#include <vector>

#include "service_link.hpp"

namespace skink::ctl {

class DevicesCommand {
 public:
  /// @param[out] store  --store, of 'devices' alone; borrowed until the command line is parsed.
  DevicesCommand(Command app, std::string& store);
  bool parsed() const { return devices_.parsed(); }
  /// Is it one of the commands below 'devices'? They ask the service.
  bool has_action() const;
  /// @returns the program's exit code.
  int run();

 private:
  int label(const ServiceLink& link) const;
  int revoke(const ServiceLink& link) const;
  int forget(const ServiceLink& link) const;
  int describe(const ServiceLink& link, const boost::json::object& change) const;
  std::string target() const { return "/api/v1/devices/" + id_; }

  Command devices_, show_, label_, group_, note_, exclude_, include_, revoke_, forget_;
  LinkOptions options_;
  std::string id_;
  std::string text_;
  std::string of_group_;
  std::string online_;  ///< "true", "false" or empty
  std::vector<std::string> labels_;
  std::vector<std::string> removed_;
};

}  // namespace skink::ctl
