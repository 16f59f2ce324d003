#pragma once
/// @file
/// A fleet in one process and in virtual time: the coordinator's core and the devices' clients, the very objects that
/// are deployed, joined by an in-memory broker that can lose, repeat and delay messages. Deterministic: the same
/// experiment, options and seed give the same history.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/edge/client.hpp"
#include "skink/edge/host/task_source.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/program/workers.hpp"

namespace skink::simulations {

/// What the network does to messages between devices and broker. Probabilities in [0, 1].
struct NetworkFaults {
  std::uint64_t seed = 1;
  double drop = 0;
  double duplicate = 0;
  std::uint32_t max_delay_ms = 0;  ///< uniform in 0..max; reorders messages

  /// Whether anything happens to messages at all.
  bool any() const { return drop > 0 || duplicate > 0 || max_delay_ms > 0; }
};

/// How the world treats messages, and the coordinator.
struct WorldOptions {
  NetworkFaults faults;
  std::size_t arena_bytes = 0;  ///< of each device; 0: what the experiment needs
  /// Names of the devices; empty: device-000, device-001, ...
  std::vector<std::string> device_ids;
  /// The coordinator hears up to so many messages of one moment before what it says to them is carried out, like a
  /// service that finds them in its queue; at least 1.
  std::size_t batch = 1;
  /// Compute what devices do with a model that reaches them in one moment; at least 1. The history does not depend on
  /// it.
  std::uint32_t threads = 1;
};

/// What a world reports as it happens; each may be empty.
struct WorldObserver {
  std::function<void(const rounds::RoundRecord&)> on_round;
  std::function<void(const rounds::EvaluationRecord&)> on_evaluation;
  std::function<void(const coordinator::TranscriptEvent&)> on_event;
  std::function<void(const coordinator::TakenUpdate&)> on_update;
  /// Asked before every action of the coordinator. True: it dies there and then, and a new one goes on from what was
  /// committed, as after `kill -9` and a restart.
  std::function<bool()> kill_coordinator;
  /// Asked after every step of every device, on any thread; once it says so, the world stands still.
  std::function<bool()> give_up;
};

/// A coordinator and its devices in virtual time. Deterministic: the same options give the same events.
class World {
 public:
  /// @param[in] snapshot  null for a new run; otherwise the run is continued or replayed.
  World(const coordinator::CoordinatorConfig& config, const TaskGenerator& tasks, const WorldOptions& options,
        const coordinator::RunSnapshot* snapshot = nullptr);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Runs until the run is finished, `stop` returns true, or nothing can happen any more.
  /// @returns whether the run is finished.
  bool run(const WorldObserver& observer, const std::function<bool()>& stop = {});

  /// The coordinator, which a test may disturb; the clients, by index; and the virtual time.
  coordinator::Coordinator& coordinator() { return *coordinator_; }
  std::size_t device_count() const { return devices_.size(); }
  const edge::Client& client(std::size_t index) const;
  std::uint64_t now_ms() const { return now_ms_; }

  /// A device loses its connection, and the broker publishes its last will; or it comes back.
  void disconnect(std::size_t index);
  void connect(std::size_t index);

  /// Takes a device's power away and gives it back: it loses its connection and all memory but the model slot.
  void reset_device(std::size_t index);

 private:
  using Payload = std::shared_ptr<const std::vector<std::uint8_t>>;
  struct Device;
  struct Event {
    std::uint64_t time_ms = 0;
    std::uint64_t sequence = 0;
    enum class Kind { kToCoordinator, kToDevice, kModelChunk, kTimer } kind = Kind::kTimer;
    std::size_t device = 0;
    wire::TopicKind topic = wire::TopicKind::kState;
    std::uint32_t chunk = 0;
    Payload payload;
    bool operator>(const Event& other) const {
      return time_ms != other.time_ms ? time_ms > other.time_ms : sequence > other.sequence;
    }
  };

  /// What a device has said while it handled the event at this place of a moment.
  struct Outgoing {
    std::size_t place = 0;
    Event event;
    bool reliable = false;
  };

  void carry_out(const WorldObserver& observer);
  void restart_coordinator(const WorldObserver& observer);
  void publish(const coordinator::Publish& publication);
  bool is_given_up();
  void pump(std::size_t index);
  void carry_out(std::size_t index, const edge::Action& action);
  void deliver_model(std::size_t index, std::uint32_t slot, std::uint32_t chunk);
  void send(Event event, bool reliable);
  void send_outgoing(std::vector<Outgoing>& outgoing);
  void set_timer(std::size_t index);
  bool is_heard_together(const Event& event) const;
  void hear(const Event& event);
  bool is_work(const Event& event) const;
  void handle_together(const Event& first);
  void handle(const Event& event);
  double uniform();

  WorldOptions options_;
  coordinator::CoordinatorConfig config_;
  Workers workers_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  coordinator::RunSnapshot committed_;  // kept only for observers that kill
  std::vector<std::unique_ptr<Device>> devices_;
  std::map<std::string, std::size_t, std::less<>> index_of_;
  std::array<std::vector<Payload>, wire::kModelSlots> models_;  // retained chunks
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t sequence_ = 0;
  std::uint64_t now_ms_ = 0;
  std::uint32_t random_element_ = 0;
  std::size_t heard_ = 0;  // messages of the current batch
  std::function<bool()> give_up_;
  std::atomic<bool> is_given_up_ = false;
};

}  // namespace skink::simulations
