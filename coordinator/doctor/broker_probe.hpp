#pragma once
/// @file
/// One connection to the broker, to find out what gets through. Private to the doctor.

#include <chrono>
#include <memory>
#include <string>

#include "skink/host/mqtt/session.hpp"

namespace skink::doctor {

class BrokerProbe {
 public:
  explicit BrokerProbe(mqtt::SessionOptions options) : options_(std::move(options)) {}

  /// @returns kWrongAuthentication when the broker refuses the client after TLS, kUnavailable for anything before, with
  ///          what is wrong; the errors of Session::start().
  Result<void> connect();
  /// Publishes, and waits whether this connection gets it.
  bool comes_back(const std::string& topic, const std::string& content, std::chrono::milliseconds wait);
  /// Does this connection get what another one publishes?
  bool hears(BrokerProbe& other, const std::string& topic, std::chrono::milliseconds wait);
  /// Does this connection get what another one (it may be itself) publishes on `topic`? What that one may publish,
  /// `fence`, is published after it: the broker keeps their order, so who is refused is not waited for.
  bool hears_before(BrokerProbe& other, const std::string& topic, const std::string& fence,
                    std::chrono::milliseconds wait);
  /// What the broker keeps on a topic; empty: nothing, or it is not told.
  std::string retained(const std::string& topic, std::chrono::milliseconds wait);
  /// Has the broker ended the connection? It does when another client comes with the same certificate. Nothing is sent
  /// or heard from then on: both would throw each other out for ever.
  bool is_lost();

 private:
  /// The messages of the next moment.
  std::vector<mqtt::Event> receive();
  bool subscribe(const std::string& topic);
  bool publish(const std::string& topic, const std::string& content);
  /// The content of the next message on a topic that is `content`, or any when that is empty; empty: none came.
  std::string wait_for(const std::string& topic, const std::string& content, std::chrono::milliseconds wait);

  mqtt::SessionOptions options_;
  mqtt::EventQueue queue_;
  std::unique_ptr<mqtt::Session> session_;
  bool is_lost_ = false;
};

}  // namespace skink::doctor
