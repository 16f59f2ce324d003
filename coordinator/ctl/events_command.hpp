#pragma once
/// @file
/// skinkctl events: what has happened, or happens.

#include "service_link.hpp"

namespace skink::ctl {

class EventsCommand {
 public:
  explicit EventsCommand(Command app);
  bool parsed() const { return command_.parsed(); }
  /// @returns the program's exit code; with --follow only when something is wrong.
  int run();

 private:
  int list(const ServiceLink& link) const;
  int follow(const ServiceLink& link) const;

  Command command_;
  LinkOptions options_;
  std::string level_;
  std::string event_;
  std::string device_;
  std::uint32_t last_ = 0;  ///< 0: all
  bool follow_ = false;
};

}  // namespace skink::ctl
