#pragma once
/// @file
/// One client of a host process: the state machine of client.hpp with its own arena, model slot, samples and MQTT
/// session. Events come in through a mailbox, work is done in turns: any thread may take a turn, one at a time.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "skink/edge/client.hpp"
#include "skink/edge/host/task_source.hpp"
#include "skink/edge/linux/credentials.hpp"
#include "skink/edge/linux/device_state.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/mqtt/session.hpp"

namespace skink::edge {

/// What one client of a process is made from.
struct HostedClientOptions {
  std::size_t index = 0;          ///< tags the session's events
  std::string fleet;              ///< of docs/protocol.md, section 1
  NetworkAddress broker;          ///< MQTT over TLS
  DeviceCredentials credentials;  ///< who it is
  std::size_t arena_bytes = 0;    ///< ClientConfig::arena
  std::size_t model_bytes = 0;    ///< capacity of the model slot, and of each place for a release
  std::string state;              ///< folder of DeviceState; empty: nothing is kept over a restart
};

/// What a turn left behind.
struct TurnResult {
  bool has_more = false;                   ///< work or mail
  std::uint64_t wake_ms = Client::kNever;  ///< when the next turn is due at the latest
};

/// Milliseconds of the steady clock.
std::uint64_t steady_now_ms() noexcept;

/// A client with everything that it needs from a port.
class HostedClient {
 public:
  /// Takes up what its state has, and starts the session. Errors name the file at fault.
  static Result<std::unique_ptr<HostedClient>> create(mqtt::EventQueue& queue, const HostedClientOptions& options,
                                                      const TaskGenerator& generator);
  HostedClient(const HostedClient&) = delete;
  HostedClient& operator=(const HostedClient&) = delete;

  /// Who it is. Any thread.
  const std::string& device_id() const noexcept { return credentials_.device_id; }

  /// Puts an event of the session into the mailbox. Any thread. Messages are dropped while too many wait; the protocol
  /// repeats them.
  void post(mqtt::Event event);

  /// Handles the mail, then works for about `budget`. One thread at a time.
  TurnResult take_turn(std::chrono::microseconds budget);

  /// As of the end of the last turn. Any thread.
  ClientCounters counters() const;

  /// Says offline (an MQTT disconnect takes back the last will) and disconnects. After the last turn only.
  void say_goodbye(std::chrono::milliseconds grace);

 private:
  HostedClient(const HostedClientOptions& options, const TaskGenerator& generator);
  Result<void> restore();
  Result<void> start_session(mqtt::EventQueue& queue, const HostedClientOptions& options);
  void handle(mqtt::Event& event, std::uint64_t now_ms);
  void handle_message(mqtt::Event& event, std::uint64_t now_ms);
  void handle_task(Bytes message, std::uint64_t now_ms);
  Status store_model(const ModelWrite& write, Bytes bytes);
  Status keep_release(const ReleaseToKeep& release);
  void save_model();
  void handle_model(const wire::Topic& topic, Bytes chunk, std::uint64_t now_ms);
  void carry_out_actions();
  bool carry_out(const Action& action);
  std::string topic_name(wire::TopicKind kind) const;
  std::string model_topic(const Action& action) const;

  const std::string fleet_;
  const DeviceCredentials credentials_;
  const std::string state_topic_;
  const std::string task_topic_;
  const std::string reply_topic_;
  const std::string patch_topic_;
  const std::string release_topic_;
  const std::string update_topic_;
  std::vector<float> arena_;  // for its alignment
  std::vector<std::uint8_t> model_;
  std::vector<std::uint8_t> kept_release_;
  std::vector<std::uint8_t> coming_release_;
  const DeviceState state_;
  crypto::Digest saved_model_;
  TaskSource samples_;
  Client client_;
  std::unique_ptr<mqtt::Session> session_;

  // of the thread that takes the turn
  std::optional<mqtt::Token> publishing_;
  std::optional<Action> stalled_;  ///< an action that the session would not take just now
  std::vector<mqtt::Event> mail_;

  mutable std::mutex mutex_;  ///< guards the rest
  std::vector<mqtt::Event> mailbox_;
  std::size_t mailbox_bytes_ = 0;
  ClientCounters counters_;
};

}  // namespace skink::edge
