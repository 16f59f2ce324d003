#pragma once
/// @file
/// skinkctl runs: list, queue, start, show, pause, resume, stop, wait.

#include <cstdint>
#include <string>

#include "order_options.hpp"
#include "service_link.hpp"

namespace skink::ctl {

class RunsCommand {
 public:
  explicit RunsCommand(Command app);
  bool parsed() const { return runs_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  int list(const ServiceLink& link) const;
  int show(const ServiceLink& link) const;
  int queue(const ServiceLink& link) const;
  int start(const ServiceLink& link);
  int change(const ServiceLink& link, const char* action) const;
  int wait(const ServiceLink& link) const;
  std::string target() const { return "/api/v1/runs/" + std::to_string(number_); }

  Command runs_, list_, queue_, start_, show_, pause_, resume_, stop_, wait_;
  LinkOptions options_;
  std::uint32_t number_ = 0;
  OrderOptions order_;
  std::string phase_;
  std::uint32_t timeout_s_ = 0;
};

}  // namespace skink::ctl
