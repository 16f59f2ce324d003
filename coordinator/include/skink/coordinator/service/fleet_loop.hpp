#pragma once
/// @file
/// A fleet at its broker, with a run or without: hands what comes to the run, or to IdleFleet, and carries out what
/// they say. One thread, and others that decode changes while it waits for them.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "skink/coordinator/core/idle_fleet.hpp"
#include "skink/coordinator/service/active_run.hpp"
#include "skink/coordinator/service/broker_link.hpp"
#include "skink/coordinator/service/flood_guard.hpp"
#include "skink/coordinator/service/lease.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/coordinator/service/stranger_watch.hpp"
#include "skink/host/program/workers.hpp"

namespace skink::coordinator {

/// What came of one turn.
enum class Turn { kDone, kStoreFailed, kCredentialsRefused };

/// What becomes of a certificate, the broker's or the coordinator's, that the other one refuses before there was any
/// connection: a script's run ends, a service says so and tries again, for somebody may mend it.
enum class Refusal : std::uint8_t { kEnds, kIsTriedAgain };

/// As long as the process lives; runs come and go.
class FleetLoop {
 public:
  /// Reads master key and list of revoked ids; connects nothing. Errors say which file is at fault and what to do.
  static Result<std::unique_ptr<FleetLoop>> create(const Settings& settings);

  /// What runs are opened with.
  RunHost run_host();
  DeviceBook& devices() { return devices_; }
  const DeviceBook& devices() const { return devices_; }
  BrokerLink& broker() { return broker_; }

  /// Begins to connect. Errors name the file at fault. With kIsTriedAgain a turn ends with kCredentialsRefused only
  /// when such a file cannot be read when the connection is made again for a look (Lease).
  Result<void> connect(Refusal refusal);
  /// Is there a connection, and does this coordinator lead the fleet?
  bool is_connected() const { return broker_.is_connected() && lease_.leads(); }
  /// Does another coordinator lead it? trouble() says which.
  bool stands_by() const { return lease_.stands_by(); }
  /// Ends the connection; another coordinator may lead the fleet from now on.
  void leave();
  /// From now on this run asks the fleet, which has no other. `observer` is borrowed until the run is taken out.
  void begin(std::unique_ptr<ActiveRun> run, const ServiceObserver& observer);
  /// Null: there is none.
  ActiveRun* run() { return run_.get(); }
  const ActiveRun* run() const { return run_.get(); }
  /// Takes the run out; devices are asked for nothing more.
  std::unique_ptr<ActiveRun> end();

  /// Waits for at most a tenth of a second and does what is to be done.
  Turn turn(const ServiceObserver& observer);
  /// Is the finished run over for the broker too? Notes that it keeps nothing of it, or says that it has not confirmed
  /// it for half a minute.
  bool is_over(const ServiceObserver& observer);
  /// A run that does not go on now leaves nothing at the broker; waits up to two seconds for it.
  void withdraw(const ServiceObserver& observer);

  /// This device is asked for nothing from now on, or may be again.
  void exclude(const std::string& id, bool is_excluded);
  /// Devices that send more than is looked at (FloodGuard).
  std::vector<FloodGuard::Flooder> take_flooders() { return flood_guard_.take_flooders(now_ms()); }

  /// Devices whose births were refused since the last call.
  std::vector<Stranger> take_strangers() { return strangers_.take(); }

  /// Why a turn ended otherwise than kDone; what was said last of a connection that is not there.
  const std::string& failure() const { return failure_; }
  const std::string& trouble() const { return trouble_; }
  /// In milliseconds, from the beginning.
  std::uint64_t now_ms() const;

 private:
  FleetLoop(const Settings& settings, const crypto::Key& master_key);
  Turn take_turn(const std::vector<mqtt::Event>& events, const ServiceObserver& observer);
  bool handle(const std::vector<mqtt::Event>& events, const ServiceObserver& observer);
  void handle(const mqtt::Event& event, const ServiceObserver& observer);
  std::string disconnection_text(const mqtt::Event& event);
  void follow_lease(const ServiceObserver& observer);
  void lead(const ServiceObserver& observer);
  void stand_by(const ServiceObserver& observer);
  void say_contest(const std::string& text, const ServiceObserver& observer);
  bool collect(const mqtt::Event& event);
  void pass_updates();
  void handle_message(const mqtt::Event& event, const ServiceObserver& observer);
  bool carry_out(const ServiceObserver& observer);
  void read_revoked(const ServiceObserver& observer);
  void revoke(const RevokedIds& ids, const ServiceObserver& observer);

  Settings settings_;
  crypto::Key master_key_;
  Workers workers_;  // lent to runs
  DeviceBook devices_;
  IdleFleet idle_;
  FleetNotes idle_notes_;
  BrokerLink broker_;
  Lease lease_;
  Lease::Standing standing_ = Lease::Standing::kApart;  // of the lease, as it was followed last
  FloodGuard flood_guard_;
  StrangerWatch strangers_;
  std::unique_ptr<ActiveRun> run_;
  RevokedIds first_revoked_;  // as the list was at the start
  std::uint64_t revoked_read_ms_ = 0;
  std::string revoked_trouble_;
  std::vector<mqtt::Event> put_off_;           // came while withdraw() waited, from an event of the connection on
  std::vector<Coordinator::Message> updates_;  // collected, not yet passed on
  std::uint64_t finished_ms_ = 0;
  std::string failure_;
  std::string trouble_;
  std::string contest_;                  // what was said last of another coordinator
  std::uint64_t contest_ms_ = 0;         // and when
  std::uint64_t connected_ms_ = 0;       // when the connection was made
  std::uint32_t short_connections_ = 0;  // in a row
  bool was_connected_ = false;
  Refusal refusal_ = Refusal::kEnds;
  bool credentials_refused_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace skink::coordinator
