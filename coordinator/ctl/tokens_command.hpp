#pragma once
/// @file
/// skinkctl tokens and skinkctl audit: who may ask the service, and who changed what.

#include <cstdint>
#include <string>

#include "service_link.hpp"

namespace skink::ctl {

class TokensCommand {
 public:
  explicit TokensCommand(Command app);
  bool parsed() const { return tokens_.parsed() || audit_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  int add(const ServiceLink& link) const;
  int remove(const ServiceLink& link) const;
  int take_back(const ServiceLink& link, const std::string& id, const Error& why) const;

  Command tokens_, list_, add_, remove_, audit_;
  LinkOptions options_;
  std::string name_;
  std::string scope_;
  std::string out_;
  std::uint32_t id_ = 0;
  std::uint32_t last_ = 0;  ///< 0: all
};

}  // namespace skink::ctl
