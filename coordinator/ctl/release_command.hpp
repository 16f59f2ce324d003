#pragma once
/// @file
/// skinkctl release sign, skinkctl release show

#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class ReleaseCommand {
 public:
  explicit ReleaseCommand(Command app);
  bool parsed() const { return sign_.parsed() || show_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  Command sign_;
  Command show_;
  provisioning::ReleaseRequest request_;
  std::string model_;
  std::string firmware_;
  std::string shown_;
};

}  // namespace skink::ctl
