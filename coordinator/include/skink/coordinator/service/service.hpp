#pragma once
/// @file
/// One run as a program: from its store to its end, with its fleet at the broker.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skink/coordinator/service/fleet_loop.hpp"
#include "skink/coordinator/service/settings.hpp"

namespace skink::coordinator {

/// How a service ended.
enum class ServiceEnd { kFinished, kStopped, kStoreFailed, kCredentialsRefused };

/// `skink-coordinator run`.
class Service {
 public:
  /// Opens the store, continues the run in it or begins a new one, and reads the keys. The error says which file is at
  /// fault and what to do.
  static Result<std::unique_ptr<Service>> create(const Settings& settings, const std::vector<Override>& overrides);

  /// Runs until the run is finished or `stop` says so (asked at least ten times a second).
  ServiceEnd run(const ServiceObserver& observer, const std::function<bool()>& stop);

  /// The core, valid as long as the service; why run() ended with kStoreFailed or kCredentialsRefused; whether the
  /// store had the run already.
  const Coordinator& core() const { return run_->core(); }
  const std::string& failure() const { return failure_; }
  bool resumed() const { return run_->resumed(); }
  /// Rounds of the whole run, those before a restart included. Errors: the store cannot be read.
  Result<std::vector<rounds::RoundRecord>> rounds() const { return run_->rounds(); }

 private:
  Service(std::unique_ptr<FleetLoop> loop, std::unique_ptr<ActiveRun> run)
      : loop_(std::move(loop)), run_(std::move(run)) {}
  ServiceEnd lead(const ServiceObserver& observer, const std::function<bool()>& stop);

  std::unique_ptr<FleetLoop> loop_;
  std::unique_ptr<ActiveRun> run_;  // but for the time of run(), when the loop has it
  std::string failure_;
};

}  // namespace skink::coordinator
