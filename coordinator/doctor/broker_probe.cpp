#include "broker_probe.hpp"

#include "skink/host/files/files.hpp"

namespace skink::doctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kConnecting(15);
constexpr std::chrono::milliseconds kTurn(50);
/// For a subscription to be made, whose answer nobody tells.
constexpr std::chrono::milliseconds kSubscribing(200);

}  // namespace

Result<void> BrokerProbe::connect() {
  auto session = mqtt::Session::start(queue_, options_);
  if (!session) return session.error();
  session_ = std::move(*session);
  std::vector<mqtt::Event> events;
  for (const auto end = Clock::now() + kConnecting; Clock::now() < end;) {
    queue_.wait(events, kTurn);
    for (const mqtt::Event& event : events) {
      if (event.kind == mqtt::EventKind::kConnected) return {};
      if (event.kind != mqtt::EventKind::kDisconnected) continue;
      const bool is_refused = event.reason == mqtt::DisconnectReason::kRefused;
      return make_error(is_refused ? Status::kWrongAuthentication : Status::kUnavailable, event.text);
    }
  }
  return make_error(Status::kUnavailable, "no connection within 15 s");
}

std::vector<mqtt::Event> BrokerProbe::receive() {
  std::vector<mqtt::Event> events;
  queue_.wait(events, kTurn);
  std::vector<mqtt::Event> messages;
  for (mqtt::Event& event : events) {
    is_lost_ = is_lost_ || event.kind == mqtt::EventKind::kDisconnected;
    if (event.kind == mqtt::EventKind::kMessage) messages.push_back(std::move(event));
  }
  if (is_lost_) session_.reset();
  return messages;
}

bool BrokerProbe::is_lost() {
  (void)receive();
  return is_lost_;
}

bool BrokerProbe::subscribe(const std::string& topic) {
  if (session_ == nullptr || !session_->subscribe(topic, mqtt::Quality::kAtLeastOnce)) return false;
  return true;
}

bool BrokerProbe::publish(const std::string& topic, const std::string& content) {
  return session_ != nullptr &&
         session_->publish(topic, bytes_of(content), mqtt::Quality::kAtLeastOnce, mqtt::Retain::kNo).has_value();
}

std::string BrokerProbe::wait_for(const std::string& topic, const std::string& content,
                                  std::chrono::milliseconds wait) {
  for (const auto end = Clock::now() + wait; Clock::now() < end && !is_lost_;) {
    for (const mqtt::Event& event : receive()) {
      if (event.topic != topic) continue;
      std::string got(text_of({event.payload.data(), event.payload.size()}));
      if (content.empty() || got == content) return got;
    }
  }
  return {};
}

bool BrokerProbe::comes_back(const std::string& topic, const std::string& content, std::chrono::milliseconds wait) {
  return subscribe(topic) && publish(topic, content) && !wait_for(topic, content, wait).empty();
}

bool BrokerProbe::hears(BrokerProbe& other, const std::string& topic, std::chrono::milliseconds wait) {
  if (!subscribe(topic)) return false;
  (void)wait_for(topic, "nothing that anybody says", kSubscribing);
  const std::string content = "skinkctl doctor";
  return other.publish(topic, content) && !wait_for(topic, content, wait).empty();
}

bool BrokerProbe::hears_before(BrokerProbe& other, const std::string& topic, const std::string& fence,
                               std::chrono::milliseconds wait) {
  if (!subscribe(topic) || !subscribe(fence)) return false;
  (void)wait_for(topic, "nothing that anybody says", kSubscribing);
  const std::string content = "skinkctl doctor: " + topic;
  if (!other.publish(topic, content) || !other.publish(fence, content)) return false;
  for (const auto end = Clock::now() + wait; Clock::now() < end && !is_lost_;) {
    for (const mqtt::Event& event : receive()) {
      if (text_of({event.payload.data(), event.payload.size()}) == content) return event.topic == topic;
    }
  }
  return false;
}

std::string BrokerProbe::retained(const std::string& topic, std::chrono::milliseconds wait) {
  return subscribe(topic) ? wait_for(topic, "", wait) : std::string();
}

}  // namespace skink::doctor
