#pragma once
/// @file
/// skinkctl device revoke, skinkctl crl renew

#include "skink/coordinator/provisioning/revocation.hpp"
#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class RevokeCommand {
 public:
  explicit RevokeCommand(Command app);
  bool parsed() const { return revoke_.parsed() || renew_.parsed(); }
  /// @returns the program's exit code.
  int run() const;

 private:
  Command revoke_;
  Command renew_;
  provisioning::RevocationRequest request_;
};

}  // namespace skink::ctl
