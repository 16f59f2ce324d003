#include "skink/edge/datagram/node_connection.hpp"

namespace skink::edge::datagram {

const char* problem_text(Problem problem) noexcept {
  switch (problem) {
    case Problem::kNone: return "none";
    case Problem::kSilent: return "the bridge does not answer";
    case Problem::kLeft: return "the bridge ended the session";
    case Problem::kUnknown: return "the bridge does not know the session any more";
    case Problem::kBrokerLost: return "the bridge has no connection to the broker";
    case Problem::kProtocol: return "the bridge makes no sense of this node";
  }
  return "unknown";
}

// ---- begin and end --------------------------------------------------------------------------------------------------

Status Connection::open(const OpenOptions& options, uint64_t now_ms) noexcept {
  if (options.session == 0) return Status::kInvalidArgument;
  reset();
  session_ = options.session;
  keep_alive_s_ = options.keep_alive_s;
  fleet_ = options.fleet;
  device_id_ = options.device_id;
  channel_.reset(session_);
  phase_ = Phase::kConnecting;
  is_ask_due_ = true;
  ask_ms_ = now_ms + patience_.wait_ms();
  return Status::kOk;
}

void Connection::reset() noexcept {
  phase_ = Phase::kClosed;
  problem_ = Problem::kNone;
  damaged_ = 0;
  channel_.reset(0);
  is_receiving_ = false;
  is_asleep_ = false;
  says_bye_ = false;
  is_ask_due_ = false;
  polling_ = Polling::kNo;
  poll_number_ = 0;
  patience_.reset();
  ask_ms_ = kNever;
  wake_ms_ = kNever;
  last_sent_ms_ = 0;
  out_bytes_ = 0;
}

Status Connection::fail(Problem problem, Status status) noexcept {
  phase_ = Phase::kFailed;
  problem_ = problem;
  out_bytes_ = 0;
  is_asleep_ = false;
  return status;
}

Status Connection::end(Reason reason) noexcept {
  switch (reason) {
    case Reason::kLeaving: return fail(Problem::kLeft, Status::kDamaged);
    case Reason::kUnknownSession: return fail(Problem::kUnknown, Status::kDamaged);
    case Reason::kBrokerLost: return fail(Problem::kBrokerLost, Status::kDamaged);
    case Reason::kProtocol: break;
  }
  return fail(Problem::kProtocol, Status::kDamaged);
}

// ---- out ------------------------------------------------------------------------------------------------------------

Status Connection::send(Operation operation, Span<const char> name, Bytes payload, mqtt::Retain retain,
                        uint16_t& packet_id, uint64_t now_ms) noexcept {
  if (!is_connected() || says_bye_) return Status::kUnavailable;
  wire::Topic topic;
  Address address;
  const bool is_all = operation != Operation::kPublish && name.size() > 1 && name[name.size() - 1] == '+';
  char single[wire::kMaxTopicBytes];
  if (is_all) {  // a name with a number in the place of '+' has the same kind and slot
    if (name.size() > sizeof single) return Status::kInvalidArgument;
    for (size_t i = 0; i + 1 < name.size(); ++i) single[i] = name[i];
    single[name.size() - 1] = '0';
    name = {single, name.size()};
  }
  if (!wire::parse_topic(name, topic) || (is_all && !wire::is_chunk(topic.kind))) return Status::kInvalidArgument;
  if (topic.kind == wire::TopicKind::kRenewal || topic.kind == wire::TopicKind::kCredentials) {
    return Status::kInvalidArgument;  // a node has no certificate, and datagrams no number for these
  }
  address.operation = operation;
  address.topic = topic.kind;
  address.slot = topic.slot;
  address.chunk = is_all ? wire::kAllChunks : topic.chunk;
  address.retained = retain == mqtt::Retain::kYes;
  wake(now_ms);
  const Status status = channel_.send(address, payload, now_ms);
  if (status != Status::kOk) return status;
  sending_ = operation;
  packet_id_ = packet_id_ == 0xffff ? 1 : static_cast<uint16_t>(packet_id_ + 1);
  packet_id = packet_id_;
  return Status::kOk;
}

Status Connection::subscribe(Span<const char> topic, uint16_t& packet_id, uint64_t now_ms) noexcept {
  return send(Operation::kSubscribe, topic, {}, mqtt::Retain::kNo, packet_id, now_ms);
}

Status Connection::unsubscribe(Span<const char> topic, uint16_t& packet_id, uint64_t now_ms) noexcept {
  return send(Operation::kUnsubscribe, topic, {}, mqtt::Retain::kNo, packet_id, now_ms);
}

Status Connection::publish(Span<const char> topic, Bytes payload, mqtt::Retain retain, uint16_t& packet_id,
                           uint64_t now_ms) noexcept {
  return send(Operation::kPublish, topic, payload, retain, packet_id, now_ms);
}

void Connection::begin_poll(Polling polling, uint32_t sleep_s, uint64_t now_ms) noexcept {
  polling_ = polling;
  sleep_s_ = sleep_s;
  ++poll_number_;
  patience_.heard();
  is_ask_due_ = true;
  ask_ms_ = now_ms + patience_.wait_ms();
}

Status Connection::probe(uint64_t now_ms) noexcept {
  if (!is_connected() || says_bye_) return Status::kUnavailable;
  wake(now_ms);
  begin_poll(Polling::kProbing, 0, now_ms);
  return Status::kOk;
}

Status Connection::sleep(uint32_t seconds, uint64_t now_ms) noexcept {
  if (seconds == 0 || seconds > kMaxSleepS) return Status::kInvalidArgument;
  if (!is_connected() || says_bye_ || channel_.is_sending() || is_receiving_) return Status::kUnavailable;
  if (polling_ == Polling::kProbing) return Status::kUnavailable;
  is_asleep_ = false;
  begin_poll(Polling::kFallingAsleep, seconds, now_ms);
  return Status::kOk;
}

/// A datagram that says so follows, whatever it is.
void Connection::wake(uint64_t now_ms) noexcept {
  if (!is_asleep_ && polling_ != Polling::kFallingAsleep) return;
  is_asleep_ = false;
  wake_ms_ = kNever;
  begin_poll(Polling::kAlive, 0, now_ms);
}

Status Connection::disconnect() noexcept {
  if (!is_connected()) return Status::kUnavailable;
  says_bye_ = true;
  return Status::kOk;
}

Bytes Connection::output(uint64_t now_ms) noexcept {
  if (out_bytes_ != 0) return {out_, out_bytes_};
  Datagram datagram;
  datagram.session = session_;
  if (phase_ == Phase::kConnecting && is_ask_due_) {
    datagram.kind = Kind::kHello;
    datagram.keep_alive_s = keep_alive_s_;
    is_ask_due_ = false;
    out_bytes_ = write(datagram, out_);
  } else if (phase_ == Phase::kConnected && says_bye_) {
    datagram.kind = Kind::kBye;
    out_bytes_ = write(datagram, out_);
    phase_ = Phase::kClosed;
  } else if (phase_ == Phase::kConnected && is_ask_due_) {
    datagram.kind = Kind::kPoll;
    datagram.number = poll_number_;
    datagram.sleep_s = sleep_s_;
    is_ask_due_ = false;
    patience_.begin(now_ms);
    out_bytes_ = write(datagram, out_);
  } else if (phase_ == Phase::kConnected && !is_asleep_) {
    out_bytes_ = channel_.output(out_, now_ms);
  }
  return {out_, out_bytes_};
}

void Connection::sent(uint64_t now_ms) noexcept {
  out_bytes_ = 0;
  last_sent_ms_ = now_ms;
}

// ---- in -------------------------------------------------------------------------------------------------------------

Status Connection::receive(Bytes& input, mqtt::Event& event, uint64_t now_ms) noexcept {
  event = mqtt::Event();
  Datagram datagram;
  const Status parsed = parse(input, datagram);
  input = {};
  const bool is_here = phase_ == Phase::kConnecting || phase_ == Phase::kConnected;
  if (parsed != Status::kOk) ++damaged_;
  if (parsed != Status::kOk || !is_here || datagram.session != session_) return Status::kOk;
  if (datagram.kind == Kind::kBye) return end(datagram.reason);
  if (phase_ == Phase::kConnecting) {
    if (datagram.kind != Kind::kWelcome) return Status::kOk;
    phase_ = Phase::kConnected;
    is_ask_due_ = false;
    ask_ms_ = kNever;
    last_sent_ms_ = now_ms;
    patience_.heard();
    event.kind = mqtt::EventKind::kConnected;
    return Status::kOk;
  }
  if (datagram.kind == Kind::kPong) take_pong(datagram, event, now_ms);
  Incoming incoming;
  if (channel_.take(datagram, incoming, now_ms)) take_piece(incoming, event);
  if (channel_.has_sent()) take_ack(event);
  return Status::kOk;
}

void Connection::take_piece(const Incoming& incoming, mqtt::Event& event) noexcept {
  is_receiving_ = !incoming.is_last;
  if (incoming.is_last) channel_.complete();
  if (incoming.address.operation != Operation::kPublish) return;  // a bridge subscribes to nothing
  wire::Topic topic;
  topic.kind = incoming.address.topic;
  topic.fleet = fleet_;
  topic.device_id = device_id_;
  topic.slot = incoming.address.slot;
  topic.chunk = incoming.address.chunk;
  event.topic = {topic_, wire::format_topic(topic, topic_)};
  if (event.topic.empty()) return;
  event.kind = mqtt::EventKind::kMessage;
  event.total_bytes = incoming.total;
  event.offset = incoming.offset;
  event.piece = incoming.piece;
  event.is_last = incoming.is_last;
  event.retained = incoming.address.retained;
}

void Connection::take_ack(mqtt::Event& event) noexcept {
  event.packet_id = packet_id_;
  switch (sending_) {
    case Operation::kPublish: event.kind = mqtt::EventKind::kPublished; return;
    case Operation::kSubscribe:
      event.kind = mqtt::EventKind::kSubscribed;
      event.is_granted = true;
      return;
    case Operation::kUnsubscribe: event.kind = mqtt::EventKind::kUnsubscribed; return;
  }
}

void Connection::take_pong(const Datagram& datagram, mqtt::Event& event, uint64_t now_ms) noexcept {
  if (polling_ == Polling::kNo || datagram.number != poll_number_) return;
  patience_.answered(now_ms);
  if (polling_ == Polling::kProbing && !datagram.is_empty) {
    ask_ms_ = now_ms + patience_.wait_ms();  // what waits comes first
    return;
  }
  if (polling_ == Polling::kProbing) event.kind = mqtt::EventKind::kProbed;
  if (polling_ == Polling::kFallingAsleep) {
    is_asleep_ = true;
    wake_ms_ = now_ms + uint64_t{sleep_s_} * 1000;
  }
  polling_ = Polling::kNo;
  is_ask_due_ = false;
  ask_ms_ = kNever;
}

// ---- time -----------------------------------------------------------------------------------------------------------

uint64_t Connection::keep_alive_ms() const noexcept {
  const bool is_quiet = phase_ == Phase::kConnected && !is_asleep_ && polling_ == Polling::kNo && keep_alive_s_ != 0;
  return is_quiet ? last_sent_ms_ + uint64_t{keep_alive_s_} * 500 : kNever;
}

Status Connection::on_time(uint64_t now_ms) noexcept {
  if (phase_ != Phase::kConnecting && phase_ != Phase::kConnected) return Status::kOk;
  if (is_asleep_) {
    if (now_ms < wake_ms_) return Status::kOk;
    wake(now_ms);
    polling_ = Polling::kProbing;
    return Status::kOk;
  }
  if (now_ms >= ask_ms_) {
    if (!patience_.repeat()) return fail(Problem::kSilent, Status::kUnavailable);
    is_ask_due_ = true;
    ask_ms_ = now_ms + patience_.wait_ms();
  }
  if (phase_ == Phase::kConnected && channel_.on_time(now_ms) != Status::kOk) {
    return fail(Problem::kSilent, Status::kUnavailable);
  }
  if (now_ms >= keep_alive_ms()) begin_poll(Polling::kAlive, 0, now_ms);
  return Status::kOk;
}

uint64_t Connection::next_wake_ms() const noexcept {
  if (phase_ != Phase::kConnecting && phase_ != Phase::kConnected) return kNever;
  if (is_asleep_) return wake_ms_;
  uint64_t next = channel_.next_wake_ms();
  if (ask_ms_ < next) next = ask_ms_;
  const uint64_t alive_ms = keep_alive_ms();
  return alive_ms < next ? alive_ms : next;
}

}  // namespace skink::edge::datagram
