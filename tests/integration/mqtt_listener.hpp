#pragma once
/// @file
/// Sessions with a broker that a test started, and who listens to their events.

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker.hpp"
#include "skink/host/mqtt/session.hpp"

namespace skink::test {

inline mqtt::SessionOptions options_for(const Broker& broker, const std::string& folder, const std::string& id) {
  mqtt::SessionOptions options;
  options.host = "127.0.0.1";
  options.port = static_cast<std::uint16_t>(broker.port());
  options.ca_file = broker.pki() + "/ca.pem";
  options.certificate_file = folder + "/cert.pem";
  options.key_file = folder + "/key.pem";
  options.client_id = id;
  return options;
}

inline mqtt::SessionOptions device(const Broker& broker, const std::string& id) {
  return options_for(broker, broker.device(id), id);
}

inline mqtt::SessionOptions coordinator(const Broker& broker) {
  return options_for(broker, broker.pki() + "/coordinator", "coordinator");
}

inline std::unique_ptr<mqtt::Session> start(mqtt::EventQueue& queue, const mqtt::SessionOptions& options) {
  Result<std::unique_ptr<mqtt::Session>> session = mqtt::Session::start(queue, options);
  REQUIRE(session.has_value());
  return std::move(session.value());
}

inline Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Takes events until one is wanted; the others are kept for later calls.
class Listener {
 public:
  explicit Listener(mqtt::EventQueue& queue) : queue_(queue) {}

  template <class Wanted>
  mqtt::Event next(Wanted wanted, std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      for (auto event = seen_.begin(); event != seen_.end(); ++event) {
        if (!wanted(*event)) continue;
        mqtt::Event found = std::move(*event);
        seen_.erase(event);
        return found;
      }
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::vector<mqtt::Event> events;
      queue_.wait(events, std::chrono::milliseconds(50));
      for (mqtt::Event& event : events) seen_.push_back(std::move(event));
    }
  }

  mqtt::Event next(mqtt::EventKind kind, std::size_t session = 0,
                   std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    return next([&](const mqtt::Event& event) { return event.kind == kind && event.session == session; }, timeout);
  }

  void drain(std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < deadline) {
      std::vector<mqtt::Event> events;
      queue_.wait(events, std::chrono::milliseconds(20));
      for (mqtt::Event& event : events) seen_.push_back(std::move(event));
    }
  }

  const std::vector<mqtt::Event>& seen() const { return seen_; }

 private:
  mqtt::EventQueue& queue_;
  std::vector<mqtt::Event> seen_;
};

}  // namespace skink::test
