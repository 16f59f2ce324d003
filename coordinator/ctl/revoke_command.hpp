#pragma once
/// @file
/// skinkctl device revoke, skinkctl crl renew

#include <CLI/CLI.hpp>

#include "skink/coordinator/provisioning/revocation.hpp"

namespace skink::ctl {

class RevokeCommand {
 public:
  explicit RevokeCommand(CLI::App& app);
  bool parsed() const { return revoke_->parsed() || renew_->parsed(); }
  /// @returns the program's exit code.
  int run() const;

 private:
  CLI::App* revoke_;
  CLI::App* renew_;
  provisioning::RevocationRequest request_;
};

}  // namespace skink::ctl
