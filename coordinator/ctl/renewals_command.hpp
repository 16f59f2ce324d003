#pragma once
/// @file
/// skinkctl renewals: new certificates for devices, over the connection that they have.

#include <string>
#include <vector>

#include "service_link.hpp"

namespace skink::ctl {

class RenewalsCommand {
 public:
  explicit RenewalsCommand(Command app);
  bool parsed() const { return renewals_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  int ask(const ServiceLink& link) const;
  Result<std::vector<std::string>> chosen(const ServiceLink& link) const;

  Command renewals_, list_, ask_;
  LinkOptions options_;
  std::vector<std::string> ids_;
  std::string group_;
  bool all_ = false;
};

}  // namespace skink::ctl
