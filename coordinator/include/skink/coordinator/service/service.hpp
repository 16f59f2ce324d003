#pragma once
/// @file
/// The coordinator as a service: carries the core's actions out through a store and an MQTT session, in order, so that
/// nothing is published before it is durable. One thread, and others that decode changes while it waits for them.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/coordinator/service/fleet_notes.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/mqtt/session.hpp"
#include "skink/host/program/workers.hpp"

namespace skink::coordinator {

/// How a service ended.
enum class ServiceEnd { kFinished, kStopped, kStoreFailed, kCredentialsRefused };

/// What a service tells while it runs, on its own thread; each may be empty.
struct ServiceObserver {
  std::function<void(const Coordinator&)> on_round;
  std::function<void(const rounds::EvaluationRecord&)> on_evaluation;
  std::function<void(const TranscriptEvent&)> on_event;
  std::function<void(const TakenUpdate&)> on_update;
  std::function<void(const Coordinator&)> on_waiting;  ///< about once a second while the fleet gathers
  std::function<void(const std::string&)> on_log;
};

/// One run, from its store to its end.
class Service {
 public:
  /// Opens the store, continues the run in it or begins a new one, and reads the keys. The error says which file is at
  /// fault and what to do.
  static Result<std::unique_ptr<Service>> create(const Settings& settings, const std::vector<Override>& overrides);

  /// Runs until the run is finished or `stop` says so (asked at least ten times a second).
  ServiceEnd run(const ServiceObserver& observer, const std::function<bool()>& stop);

  /// The core, valid as long as the service; why run() ended with kStoreFailed or kCredentialsRefused; whether the
  /// store had the run already.
  const Coordinator& core() const { return *core_; }
  const std::string& failure() const { return failure_; }
  bool resumed() const { return resumed_; }
  /// Rounds of the whole run, those before a restart included. Errors: the store cannot be read.
  Result<std::vector<rounds::RoundRecord>> rounds() const { return store_.rounds(); }

 private:
  Service(Settings settings, Store store);
  Result<void> prepare(const std::vector<Override>& overrides);
  Result<void> connect();
  bool handle(const std::vector<mqtt::Event>& events, const ServiceObserver& observer);
  void handle(const mqtt::Event& event, const ServiceObserver& observer);
  bool collect(const mqtt::Event& event);
  void pass_updates();
  void handle_message(const mqtt::Event& event);
  void clear_leftover(const wire::Topic& topic, const mqtt::Event& event);
  bool is_over(const ServiceObserver& observer);
  void leave();
  void withdraw(const ServiceObserver& observer);
  bool carry_out(const ServiceObserver& observer);
  void tell(const Action& action, const ServiceObserver& observer) const;
  void read_revoked(const ServiceObserver& observer);
  void revoke(const RevokedIds& ids, const ServiceObserver& observer);
  void flush();
  std::uint64_t now_ms() const;

  Settings settings_;
  Store store_;
  Workers workers_;  // lent to core_
  std::unique_ptr<Coordinator> core_;
  mqtt::EventQueue queue_;
  std::unique_ptr<mqtt::Session> session_;
  RevokedIds first_revoked_;  // as the list was when the service was created
  std::uint64_t revoked_read_ms_ = 0;
  std::string revoked_trouble_;
  std::vector<Coordinator::Message> updates_;  // collected, not yet passed on
  std::deque<Publish> backlog_;                // waits for room in the session
  FleetNotes notes_;
  std::set<mqtt::Token> clearing_;  // chunks whose removal the broker has not confirmed
  std::uint64_t finished_ms_ = 0;
  std::string failure_;
  bool resumed_ = false;
  bool was_connected_ = false;
  bool credentials_refused_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace skink::coordinator
