#pragma once
/// @file
/// skinkctl releases and skinkctl trials: models that devices shall use, and those that a group judges first.

#include <cstdint>
#include <string>

#include "service_link.hpp"

namespace skink::ctl {

class ReleasesCommand {
 public:
  explicit ReleasesCommand(Command app);
  bool parsed() const { return releases_.parsed() || trials_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  int add(const ServiceLink& link) const;
  int add_trial(const ServiceLink& link) const;

  Command releases_, list_, add_, trials_, list_trials_, add_trial_;
  LinkOptions options_;
  std::uint32_t model_ = 0;
  std::string group_;
  double least_gain_ = 0;
  std::uint32_t least_devices_ = 1;
  std::uint32_t wait_s_ = 600;
};

}  // namespace skink::ctl
