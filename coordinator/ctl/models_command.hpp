#pragma once
/// @file
/// skinkctl models: the registry of the service.

#include <cstdint>
#include <string>

#include "service_link.hpp"

namespace skink::ctl {

class ModelsCommand {
 public:
  explicit ModelsCommand(Command app);
  bool parsed() const { return models_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  int add(const ServiceLink& link) const;
  int write(const ServiceLink& link) const;
  std::string target() const { return "/api/v1/models/" + std::to_string(number_); }

  Command models_, list_, show_, export_, add_;
  LinkOptions options_;
  std::uint32_t number_ = 0;
  std::uint32_t run_ = 0, round_ = 0;
  std::string file_;
};

}  // namespace skink::ctl
