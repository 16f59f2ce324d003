#pragma once
/// @file
/// A process full of devices: N clients, each with its own identity, arena, model slot and MQTT session, on a few
/// threads. To the coordinator they are N devices. Used by skink-edge and by tests.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skink/edge/linux/hosted_client.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/program/event_log.hpp"
#include "skink/host/program/exit_codes.hpp"

namespace skink::edge {

/// What a host of clients is made from.
struct ClientHostOptions {
  std::string fleet;                        ///< of docs/protocol.md, section 1
  NetworkAddress broker;                    ///< MQTT over TLS
  std::string identity;                     ///< folder made by scripts/make-pki
  std::string state;                        ///< folder of what devices keep over a restart; empty: nothing
  std::vector<std::string> device_ids;      ///< one client each
  std::size_t arena_bytes = 0;              ///< of each client; 0: what the experiment needs
  unsigned threads = 0;                     ///< that compute; 0: as many as the machine has
  std::chrono::seconds connect_timeout{0};  ///< give up without any connection by then; 0: never
  /// Takes a line of the log; called by the thread in create() or run(). Empty: no log.
  std::function<void(const LogLine&)> log;
  /// Called by the thread in run(), at least ten times a second, with the number of clients whose session is up, until
  /// the end begins. Empty: nobody is told.
  std::function<void(std::size_t connected)> on_turn;
};

/// Counter by counter.
ClientCounters sum_of(const ClientCounters& one, const ClientCounters& other) noexcept;

/// Any number of clients in one process, each with a connection of its own.
class ClientHost {
 public:
  /// Reads all identities and states and makes the clients. An error names the file and is one of credentials, except
  /// kInvalidArgument: device ids or fleet; and Cause::kStore: the state, which another process may have.
  ///
  /// @param[in] generator  as made from `experiment`; shared by all clients.
  static Result<std::unique_ptr<ClientHost>> create(const Experiment& experiment, const TaskGenerator& generator,
                                                    const ClientHostOptions& options);
  /// Ends all sessions.
  ~ClientHost();

  /// Serves until `stop` is true: then says goodbye for every client, within 2 s, and returns kOk. Returns
  /// kCredentials when no client ever connected because certificates are refused, kUnreachable after
  /// options.connect_timeout, kUnsoundArithmetic when a thread's floating point is. The reason is in the log. Call
  /// once.
  ExitCode run(const std::atomic<bool>& stop);

  /// The counters of all clients added up. Any thread.
  ClientCounters counters() const;
  /// Clients whose session is up just now. Any thread.
  std::size_t connected_count() const noexcept { return connected_count_; }

 private:
  struct Connection {
    bool is_up = false;
    bool failed_by_certificate = false;
    std::string trouble;
  };

  explicit ClientHost(const ClientHostOptions& options);
  void log(LogLevel level, const char* event, const std::string& text, const std::string& device = "") const;
  void note_connection(const mqtt::Event& event);
  void report(std::uint64_t now_ms);
  void report_progress();
  void report_trouble();
  bool has_failed(std::uint64_t waited_ms, ExitCode& code) const;
  void say_goodbye();

  const ClientHostOptions options_;
  FolderLock state_lock_;
  mqtt::EventQueue queue_;
  std::vector<std::unique_ptr<HostedClient>> clients_;
  std::vector<Connection> connections_;  ///< of the thread in run(), like the rest
  std::atomic<std::size_t> connected_count_{0};
  bool ever_connected_ = false;
  std::atomic<bool> is_unsound_{false};
  std::uint64_t reported_ms_ = 0;
  std::string last_progress_;
  std::string last_trouble_;
};

}  // namespace skink::edge
