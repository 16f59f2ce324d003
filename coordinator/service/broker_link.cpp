#include "skink/coordinator/service/broker_link.hpp"

#include <algorithm>

#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/core/model_messages.hpp"

namespace skink::coordinator {
namespace {

constexpr std::size_t kMostPending = 20000;
constexpr std::chrono::milliseconds kGoodbye(2000);

std::string topic_of(const std::string& fleet, const Publish& publication) {
  wire::Topic topic;
  topic.kind = publication.topic;
  topic.fleet = {fleet.data(), fleet.size()};
  topic.device_id = {publication.device_id.data(), publication.device_id.size()};
  topic.slot = publication.slot;
  topic.chunk = publication.chunk;
  char text[wire::kMaxTopicBytes];
  return {text, wire::format_topic(topic, text)};
}

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

BrokerLink::BrokerLink(const Settings& settings) : settings_(&settings) {}

Result<void> BrokerLink::open() {
  mqtt::SessionOptions options;
  options.host = settings_->host;
  options.port = settings_->port;
  options.ca_file = settings_->ca;
  options.certificate_file = settings_->certificate;
  options.key_file = settings_->key;
  const auto name = mqtt::common_name_of(settings_->certificate);
  if (!name) return name.error();
  options.client_id = *name;
  options.max_pending_publications = kMostPending;
  auto session = mqtt::Session::start(queue_, options);
  if (!session) return session.error();
  session_ = std::move(*session);
  return {};
}

void BrokerLink::note(const mqtt::Event& event) {
  switch (event.kind) {
    case mqtt::EventKind::kConnected:
    case mqtt::EventKind::kDisconnected:
      backlog_.clear();
      clearing_.clear();
      return;
    case mqtt::EventKind::kPublished: clearing_.erase(event.token); return;
    case mqtt::EventKind::kMessage:
    case mqtt::EventKind::kProblem: return;
  }
}

std::string BrokerLink::claim_topic() const { return "skink/1/" + settings_->fleet + "/coordinator"; }

void BrokerLink::ask(const std::string& question) {
  (void)session_->subscribe(claim_topic(), mqtt::Quality::kAtLeastOnce);
  (void)session_->publish(claim_topic(), bytes_of(question), mqtt::Quality::kAtLeastOnce, mqtt::Retain::kNo);
}

void BrokerLink::keep_claim(const std::string& claim) {
  (void)session_->unsubscribe(claim_topic());
  (void)session_->publish(claim_topic(), bytes_of(claim), mqtt::Quality::kAtLeastOnce, mqtt::Retain::kYes);
}

void BrokerLink::subscribe() {
  const std::string root = "skink/1/" + settings_->fleet + "/";
  (void)session_->subscribe(root + "dev/+/state", mqtt::Quality::kAtLeastOnce);
  (void)session_->subscribe(root + "dev/+/update", mqtt::Quality::kAtLeastOnce);
  (void)session_->subscribe(root + "dev/+/credentials", mqtt::Quality::kAtLeastOnce);
  (void)session_->subscribe(root + "model/+/+", mqtt::Quality::kAtLeastOnce);  // what another run left: once
  (void)session_->unsubscribe(root + "model/+/+");
  (void)session_->subscribe(root + "release/+/+", mqtt::Quality::kAtLeastOnce);  // or a release before, or another size
  (void)session_->unsubscribe(root + "release/+/+");
}

void BrokerLink::remove_chunk(wire::TopicKind kind, std::uint32_t slot, std::uint32_t chunk) {
  backlog_.push_back(chunk_removal({kind, slot}, chunk));
}

void BrokerLink::flush() {
  while (!backlog_.empty()) {
    const Publish& next = backlog_.front();
    const auto sent =
        session_->publish(topic_of(settings_->fleet, next), {next.payload.data(), next.payload.size()},
                          mqtt::Quality::kAtLeastOnce, next.retain ? mqtt::Retain::kYes : mqtt::Retain::kNo);
    if (!sent && sent.error().code == make_error_code(Status::kBufferTooSmall)) return;  // after kPublished
    if (sent && next.retain && next.payload.empty()) clearing_.insert(*sent);
    backlog_.pop_front();
  }
}

void BrokerLink::rest() {
  backlog_.clear();
  clearing_.clear();
  session_->disconnect(kGoodbye);
}

void BrokerLink::leave() {
  if (!session_) return;
  session_->disconnect(is_connected() ? kGoodbye : std::chrono::milliseconds(0));
  std::vector<mqtt::Event> events;
  const auto end = std::chrono::steady_clock::now() + kGoodbye + std::chrono::milliseconds(500);
  for (bool open = is_connected(); open && std::chrono::steady_clock::now() < end;) {
    queue_.wait(events, std::chrono::milliseconds(100));
    open = std::none_of(events.begin(), events.end(),
                        [](const mqtt::Event& event) { return event.kind == mqtt::EventKind::kDisconnected; });
  }
}

}  // namespace skink::coordinator
