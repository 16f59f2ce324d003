#pragma once
/// @file
/// New certificates for the devices of a fleet, over the connection that they have: asks for requests, has them
/// answered by the authority, and follows each until the device has connected with what it got. docs/protocol.md,
/// section 8.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/service/broker_link.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::coordinator {

/// Borrows all of them. What a device says is believed as far as its code, its request's signature and its name go.
class FleetRenewals {
 public:
  /// Tells an event about a device.
  using Say = std::function<void(const char* level, const char* name, const std::string& text, const std::string& id)>;
  FleetRenewals(const Settings& settings, FleetStore& store, DeviceBook& devices, BrokerLink& broker, Say say)
      : settings_(settings), store_(store), devices_(devices), broker_(broker), say_(std::move(say)) {}

  /// Reads which stand. Errors: the store failed.
  Result<void> read();
  /// Has the device make a new key, also while it is away: it finds the message when it comes. A question that stands
  /// already stays. @returns its number; kInvalidArgument: no [certificates] pki, or the device is revoked; other
  /// errors: a file of it cannot be read, or the store failed.
  Result<std::uint32_t> ask(const std::string& id);
  /// Publishes what stands: the broker may have forgotten it. To be called with each connection.
  void publish();
  /// A message on the credentials topic; any bytes. Errors: the store failed.
  Result<void> on_credentials(const std::string& id, Bytes message, std::uint64_t now_ms);
  /// Answers requests, for a tenth of a second at most or one, and asks, once an hour, those whose certificates end
  /// soon. To be called often. Errors: the store failed.
  Result<void> on_time(std::uint64_t now_ms);
  /// The device is forgotten.
  void forget(const std::string& id) { standing_.erase(id); }

 private:
  struct Standing {
    RenewalRow row;
    std::uint32_t answers = 0;          ///< certificates issued for this number, since the start
    std::vector<std::uint8_t> request;  ///< that is not answered yet
    bool began_again = false;           ///< with another number, for the device did not trust what was issued
    std::uint64_t retry_ms = 0;
    std::string trouble;  ///< said last
  };
  static bool is_open(const RenewalRow& row) {
    return row.phase == RenewalPhase::kAsked || row.phase == RenewalPhase::kIssued;
  }
  Result<void> set(Standing& standing, RenewalPhase phase, const std::string& reason);
  Result<void> begin(Standing& standing, std::uint32_t number);
  static Result<void> keep_request(Standing& standing, Bytes request, std::uint64_t now_ms);
  Result<void> take(Standing& standing, const wire::Credentials& said, std::uint64_t now_ms);
  Result<void> answer(Standing& standing, std::uint64_t now_ms);
  Result<void> ask_those_that_end();
  void publish(const Standing& standing);
  void withdraw(const std::string& id);

  const Settings& settings_;
  FleetStore& store_;
  DeviceBook& devices_;
  BrokerLink& broker_;
  const Say say_;
  std::map<std::string, Standing, std::less<>> standing_;  // by device, those that are over too
  std::string authorities_;                                // as publish() has read them last
  std::uint64_t checked_ms_ = 0;
};

}  // namespace skink::coordinator
