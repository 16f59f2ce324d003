#pragma once
/// @file
/// `skinkctl init`: a new gateway's folder.

#include "skink/coordinator/setup/gateway_folder.hpp"
#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class InitCommand {
 public:
  explicit InitCommand(Command app);
  bool parsed() const { return command_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  Command command_;
  setup::GatewayOptions options_;
  std::string http_;
  std::uint32_t port_ = 8883;
  bool keeps_ = false, forgets_ = false;
};

}  // namespace skink::ctl
