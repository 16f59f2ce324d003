#pragma once
/// @file
/// skinkctl status and skinkctl rounds; with --store those of one run's store.

#include <cstddef>
#include <cstdint>
#include <string>

#include "service_link.hpp"

namespace skink::ctl {

class ProgressCommand {
 public:
  /// @param[out] store  --store; borrowed until the command line is parsed.
  ProgressCommand(Command app, std::string& store);
  bool parsed() const { return status_.parsed() || rounds_.parsed(); }
  bool is_status() const { return status_.parsed(); }
  /// How many rounds are shown; 0: all.
  std::size_t last() const { return last_; }
  /// Asks the service. @returns the program's exit code.
  int run();

 private:
  int show_rounds(const ServiceLink& link) const;

  Command status_, rounds_;
  LinkOptions options_;
  std::uint32_t run_ = 0;
  std::size_t last_ = 20;
};

}  // namespace skink::ctl
