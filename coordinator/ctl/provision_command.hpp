#pragma once
/// @file
/// skinkctl provision

#include <string>
#include <vector>

#include "skink/coordinator/provisioning/provisioner.hpp"
#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class ProvisionCommand {
 public:
  explicit ProvisionCommand(Command app);
  bool parsed() const { return command_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  Result<std::vector<std::string>> ids() const;

  Command command_;
  provisioning::ProvisioningOptions options_;
  std::string broker_;
  std::vector<std::string> time_servers_;
  std::string address_;
  std::vector<std::string> ids_;
  std::uint32_t count_ = 0;
  std::uint32_t first_ = 0;
  std::string prefix_ = "device-";
  bool force_ = false;
};

}  // namespace skink::ctl
