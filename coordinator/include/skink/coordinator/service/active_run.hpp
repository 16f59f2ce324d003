#pragma once
/// @file
/// One run and its store: the core, and what it wants to have carried out, each commit before the publications that it
/// permits.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/coordinator/service/broker_link.hpp"
#include "skink/coordinator/service/fleet_notes.hpp"
#include "skink/coordinator/store/store.hpp"

namespace skink::coordinator {

/// What a service tells while it runs, on its own thread; each may be empty.
struct ServiceObserver {
  std::function<void(const Coordinator&)> on_round;
  std::function<void(double seconds)> on_overhead;   ///< of a round: FleetCounters
  std::function<void(std::uint64_t run)> on_number;  ///< the run has another number from now on
  std::function<void(const rounds::EvaluationRecord&)> on_evaluation;
  std::function<void(const TranscriptEvent&)> on_event;
  std::function<void(const TakenUpdate&)> on_update;
  std::function<void(const Coordinator&)> on_waiting;  ///< about once a second while the fleet gathers
  std::function<void(const std::vector<DeviceRow>&)> on_devices;
  std::function<void()> on_connected;
  /// About a chunk that the broker keeps: is it of a release? Empty: nobody knows of releases.
  std::function<bool(std::uint32_t slot, std::uint32_t chunk)> is_release_chunk;
  std::function<void(const std::string& id, Bytes)> on_credentials;   ///< a device's answer to a renewal; any bytes
  std::function<void(bool is_connected, const std::string&)> on_log;  ///< about the broker, and what it needs
  std::function<void(const std::string&)> on_contest;                 ///< about another coordinator of the fleet
  std::function<void(const std::string&)> on_revoked;                 ///< about the list of revoked ids
};

/// What a run is to be.
struct RunSource {
  std::string store;      ///< path
  std::string text;       ///< of the experiment file
  std::string text_name;  ///< the file's name in messages
  std::vector<Override> overrides;
  std::string init_file;                    ///< path of the model that a new run begins with; empty: `initial_model`
  std::vector<std::uint8_t> initial_model;  ///< its file; empty: the experiment begins at random
  std::uint64_t run = 0;                    ///< number of a new run
  std::uint32_t checkpoint_rounds = 0;
  bool evaluates_only = false;  ///< CoordinatorConfig::evaluates_only
};

/// What a run needs of its coordinator. Borrows `devices`.
struct RunHost {
  crypto::Key master_key;
  std::string fleet;
  DeviceBook* devices = nullptr;
  std::uint32_t model_chunk_bytes = wire::kModelChunkBytes;  ///< CoordinatorConfig::model_chunk_bytes
  rounds::Executor executor;
};

/// The run in a store, from its beginning or from where it was.
class ActiveRun {
 public:
  /// Opens the store, and goes on with the run in it or begins a new one. The error says which file is at fault and
  /// what to do.
  static Result<std::unique_ptr<ActiveRun>> open(const RunSource& source, const RunHost& host);

  /// Valid as long as this.
  Coordinator& core() { return *core_; }
  /// Likewise.
  const Coordinator& core() const { return *core_; }
  /// Did the store have the run already?
  bool resumed() const { return resumed_; }
  /// Rounds of the whole run, those before a restart included. Errors of this and below: the store failed.
  Result<std::vector<rounds::RoundRecord>> rounds() const { return store_.rounds(); }
  /// Is it finished, and does the broker keep nothing of it? Errors: as rounds().
  Result<bool> is_cleared() const;
  /// The broker keeps nothing of it. Errors: as rounds().
  Result<void> set_cleared() { return store_.set_cleared(); }

  /// All that the core wants to have committed is one transaction, however much it is; then what that permits waits at
  /// the broker's, in order. An error: the store failed; nothing later is carried out.
  Result<void> carry_out(BrokerLink& broker, const ServiceObserver& observer, std::uint64_t now_ms);

 private:
  explicit ActiveRun(Store store, const RunSource& source)
      : store_(std::move(store)), checkpoint_rounds_(source.checkpoint_rounds) {}
  Result<void> prepare(const RunSource& source, const RunHost& host);
  Result<void> begin(const RunSource& source, CoordinatorConfig config);
  Result<void> go_on(const RunSource& source, CoordinatorConfig config);
  void tell(const Action& action, const ServiceObserver& observer) const;

  Store store_;
  std::uint32_t checkpoint_rounds_;
  DeviceBook* devices_ = nullptr;
  std::unique_ptr<Coordinator> core_;
  FleetNotes notes_;
  bool resumed_ = false;
};

}  // namespace skink::coordinator
