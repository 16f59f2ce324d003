#pragma once
/// @file
/// A Session's life below its surface: one Paho client, and the state that its callbacks and its owner share.

#include <mqtt/async_client.h>

#include <mutex>
#include <random>

#include "exchange.hpp"
#include "skink/host/mqtt/session.hpp"
#include "tls_diagnosis.hpp"

namespace skink::mqtt {

/// Paho calls back while it holds its own lock, so Paho is never called while mutex_ is held; mutex_ may be held while
/// the exchange is called.
class Session::Link final : public internal::Dialer,
                            public std::enable_shared_from_this<Link>,
                            private ::mqtt::iaction_listener {
 public:
  /// Throws ::mqtt::exception.
  Link(std::shared_ptr<internal::Exchange> exchange, const SessionOptions& options);

  void start() { exchange_->dial_at(internal::Clock::now(), weak_from_this()); }
  void dial() override;
  void leave() override;
  Result<Token> publish(const std::string& topic, Bytes payload, Quality quality, Retain retain);
  Result<void> subscribe(const std::string& topic, Quality quality);
  Result<void> unsubscribe(const std::string& topic);
  void disconnect(std::chrono::milliseconds grace);
  /// Nothing is reported from now on.
  void retire();
  bool is_connected() const;

 private:
  enum class State : std::uint8_t { kWaiting, kConnecting, kExamining, kConnected, kLeaving, kDisconnecting, kEnded };

  // Paho's threads
  void connected();
  void connection_lost();
  void message_arrived(const ::mqtt::const_message_ptr& message);
  void on_success(const ::mqtt::token& token) override;
  void on_failure(const ::mqtt::token& token) override;

  void connect_failed(int code);
  void examined(const internal::Diagnosis& diagnosis);
  void publication_ended(Token token, bool succeeded);
  void disconnected_as_requested();
  // with mutex_ held
  void push(EventKind kind, std::string text = {}, DisconnectReason reason = DisconnectReason::kLost);
  void leave_when_all_is_sent();
  void end_as_requested();
  void forget_publications() noexcept;
  void dial_again();
  std::chrono::milliseconds next_delay();
  Error not_connected() const;

  const std::shared_ptr<internal::Exchange> exchange_;
  const SessionOptions options_;

  mutable std::mutex mutex_;  ///< guards the members down to random_
  State state_ = State::kWaiting;
  internal::Clock::time_point connected_since_;
  unsigned attempts_ = 0;  ///< since the last connection that lasted
  Token last_token_ = 0;
  Token first_valid_token_ = 1;  ///< earlier ones belong to a connection that is gone
  std::size_t pending_ = 0;
  std::minstd_rand random_;

  ::mqtt::async_client client_;  ///< last: its destructor may call back
};

}  // namespace skink::mqtt
