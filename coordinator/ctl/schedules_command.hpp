#pragma once
/// @file
/// skinkctl schedules: runs that the service queues again and again.

#include <cstdint>
#include <string>

#include "order_options.hpp"
#include "service_link.hpp"

namespace skink::ctl {

class SchedulesCommand {
 public:
  explicit SchedulesCommand(Command app);
  bool parsed() const { return schedules_.parsed(); }
  /// @returns the program's exit code.
  int run();

 private:
  int add(const ServiceLink& link) const;
  int enable(const ServiceLink& link, bool enabled) const;
  int remove(const ServiceLink& link) const;
  std::string target() const { return "/api/v1/schedules/" + std::to_string(number_); }

  Command schedules_, list_, show_, add_, pause_, resume_, remove_;
  LinkOptions options_;
  OrderOptions order_;
  std::uint32_t number_ = 0;
  std::string name_;
  std::uint32_t every_s_ = 0, first_s_ = kNotSaid, worse_ = 0, new_devices_ = 0;
  bool from_latest_ = false;
  static constexpr std::uint32_t kNotSaid = 0xffffffff;
};

}  // namespace skink::ctl
