#pragma once
/// @file
/// The coordinator's place at the broker: one MQTT session as long as the process lives, what waits to be published,
/// and what the broker has not confirmed to have removed. One thread, but for interrupt().

#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "skink/coordinator/core/actions.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/host/mqtt/session.hpp"

namespace skink::coordinator {

/// Publishes in order; what cannot leave because the broker is away is forgotten, as whoever asked for it says all that
/// is open again after the next connection.
class BrokerLink {
 public:
  /// Nothing is connected yet.
  explicit BrokerLink(const Settings& settings);
  /// Reads the credentials and begins to connect. Errors name the file at fault.
  Result<void> open();
  bool is_open() const { return session_ != nullptr; }

  /// What happened, oldest first; waits for at most `timeout` when nothing did.
  void wait(std::vector<mqtt::Event>& events, std::chrono::milliseconds timeout) { queue_.wait(events, timeout); }
  /// Ends a wait() early. From any thread.
  void interrupt() { queue_.interrupt(); }
  bool is_connected() const { return session_ && session_->is_connected(); }

  /// To be told of each event before anything else is made of it.
  void note(const mqtt::Event& event);
  /// Subscribes to the topic of the lease and publishes a question on it.
  void ask(const std::string& question);
  /// Has the broker keep a claim, or none.
  void keep_claim(const std::string& claim);
  /// "skink/1/<fleet>/coordinator".
  std::string claim_topic() const;
  /// Subscribes to what the coordinator that leads reads.
  void subscribe();
  /// Puts a message behind those that wait.
  void publish(Publish publication) { backlog_.push_back(std::move(publication)); }
  /// A chunk of a model or a release that the broker kept and that nobody needs.
  void remove_chunk(wire::TopicKind kind, std::uint32_t slot, std::uint32_t chunk);
  /// Hands over what waits, as far as the session takes it.
  void flush();
  /// Has everything left, and has the broker confirmed all removals?
  bool is_quiet() const { return backlog_.empty() && clearing_.empty(); }
  /// Disconnects, until open() is called again; the last messages still leave.
  void rest();
  /// Disconnects for good, and waits until the last messages have left.
  void leave();

 private:
  const Settings* settings_;
  mqtt::EventQueue queue_;
  std::unique_ptr<mqtt::Session> session_;
  std::deque<Publish> backlog_;     // waits for room in the session
  std::set<mqtt::Token> clearing_;  // chunks whose removal the broker has not confirmed
};

}  // namespace skink::coordinator
