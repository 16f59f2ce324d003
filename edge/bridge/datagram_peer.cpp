#include "skink/edge/bridge/datagram_peer.hpp"

#include <algorithm>
#include <utility>

namespace skink::edge {
namespace {

using datagram::Datagram;
using datagram::Kind;

constexpr std::uint64_t kMarginMs = 10'000;
constexpr std::uint64_t kLongestKeepAliveS = 86'400;  // of a node that names none

/// Is poll `number` later than `known`, where numbers wrap?
bool is_later(std::uint16_t number, std::uint16_t known) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(number - known)) > 0;
}

}  // namespace

std::optional<DatagramEvent> DatagramPeer::receive(Bytes bytes, std::uint64_t now_ms) {
  Datagram said;
  if (datagram::parse(bytes, said) != Status::kOk) {
    ++damaged_;
    return std::nullopt;
  }
  if (said.kind == Kind::kHello) return begin(said, now_ms);
  if (said.session != session_) {
    bye_session_ = said.kind == Kind::kBye ? bye_session_ : said.session;
    bye_reason_ = datagram::Reason::kUnknownSession;
    return std::nullopt;
  }
  heard_ms_ = now_ms;
  if (said.kind == Kind::kBye) {
    forget();
    return DatagramEvent{DatagramEventKind::kLeft, {}, {}};
  }
  if (!is_welcome_) return std::nullopt;
  if (said.kind == Kind::kPoll) take_poll(said, now_ms);
  datagram::Incoming incoming;
  std::optional<DatagramEvent> event;
  if (channel_.take(said, incoming, now_ms)) event = take_piece(incoming);
  if (channel_.has_sent()) send_next(now_ms);
  return event;
}

std::optional<DatagramEvent> DatagramPeer::begin(const Datagram& hello, std::uint64_t now_ms) {
  if (hello.session == session_) {
    heard_ms_ = now_ms;
    owes_welcome_ = is_welcome_;
    return std::nullopt;
  }
  forget();
  session_ = hello.session;
  keep_alive_s_ = hello.keep_alive_s;
  heard_ms_ = now_ms;
  channel_.reset(session_);
  return DatagramEvent{DatagramEventKind::kBegun, {}, {}};
}

std::optional<DatagramEvent> DatagramPeer::take_piece(const datagram::Incoming& incoming) {
  if (incoming.offset == 0) coming_.clear();
  coming_.insert(coming_.end(), incoming.piece.begin(), incoming.piece.end());
  if (!incoming.is_last) return std::nullopt;
  return DatagramEvent{DatagramEventKind::kMessage, incoming.address, std::exchange(coming_, {})};
}

/// An older poll may come late: it says nothing of now.
void DatagramPeer::take_poll(const Datagram& poll, std::uint64_t now_ms) {
  if (poll.number != poll_number_) {
    if (!is_later(poll.number, poll_number_)) return;
    poll_number_ = poll.number;
    sleep_s_ = poll.sleep_s;
    is_asleep_ = sleep_s_ != 0;
    channel_.pause(is_asleep_, now_ms);
  }
  owes_pong_ = true;
}

void DatagramPeer::welcome(std::uint64_t now_ms) {
  if (session_ == 0) return;
  is_welcome_ = true;
  owes_welcome_ = true;
  heard_ms_ = now_ms;
}

void DatagramPeer::end(datagram::Reason reason) {
  if (session_ == 0) return;
  const std::uint16_t session = session_;
  forget();
  bye_session_ = session;
  bye_reason_ = reason;
}

void DatagramPeer::forget() {
  channel_.reset(0);
  session_ = 0;
  is_welcome_ = false;
  is_asleep_ = false;
  sleep_s_ = 0;
  poll_number_ = 0;
  coming_.clear();
  queue_.clear();
  queued_bytes_ = 0;
  sending_ = {};
  owes_welcome_ = false;
  owes_pong_ = false;
  bye_session_ = 0;
}

// ---- to the node ----------------------------------------------------------------------------------------------------

void DatagramPeer::deliver(const datagram::Address& address, std::vector<std::uint8_t> payload, std::uint64_t now_ms) {
  if (!is_welcome_ || payload.size() > datagram::kMaxMessageBytes) return;
  const auto same = std::find_if(queue_.begin(), queue_.end(), [&](const Waiting& waiting) {
    const datagram::Address& there = waiting.address;
    return there.topic == address.topic && there.slot == address.slot && there.chunk == address.chunk;
  });
  const bool is_replaced = same != queue_.end() && address.topic != wire::TopicKind::kPatch;  // parts of a chain differ
  if (is_replaced) {
    queued_bytes_ -= same->payload.size();
    queue_.erase(same);
  }
  if (queue_.size() >= limits_.messages || queued_bytes_ + payload.size() > limits_.bytes) {
    ++dropped_;
    return;
  }
  queued_bytes_ += payload.size();
  queue_.push_back({address, std::move(payload)});
  send_next(now_ms);
}

void DatagramPeer::send_next(std::uint64_t now_ms) {
  if (channel_.is_sending() || queue_.empty()) return;
  sending_ = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= sending_.payload.size();
  (void)channel_.send(sending_.address, {sending_.payload.data(), sending_.payload.size()},
                      now_ms);  // deliver() looked
}

Bytes DatagramPeer::output(std::uint64_t now_ms) {
  Datagram said;
  said.session = session_;
  out_.resize(SKINK_DATAGRAM_BYTES);
  const MutableBytes room(out_.data(), out_.size());
  if (bye_session_ != 0) {
    said.kind = Kind::kBye;
    said.session = std::exchange(bye_session_, std::uint16_t{0});
    said.reason = bye_reason_;
    return {out_.data(), datagram::write(said, room)};
  }
  if (std::exchange(owes_welcome_, false)) {
    said.kind = Kind::kWelcome;
    return {out_.data(), datagram::write(said, room)};
  }
  if (std::exchange(owes_pong_, false)) {
    said.kind = Kind::kPong;
    said.number = poll_number_;
    said.is_empty = queue_.empty() && !channel_.is_sending();
    return {out_.data(), datagram::write(said, room)};
  }
  return {out_.data(), is_welcome_ ? channel_.output(room, now_ms) : 0};
}

// ---- time -----------------------------------------------------------------------------------------------------------

std::uint64_t DatagramPeer::silent_ms() const {
  const std::uint64_t alive_s = keep_alive_s_ != 0 ? keep_alive_s_ : kLongestKeepAliveS;
  return heard_ms_ + alive_s * 1500 + std::uint64_t{sleep_s_} * 1000 + kMarginMs;
}

bool DatagramPeer::on_time(std::uint64_t now_ms) {
  if (session_ == 0) return true;
  const bool is_there = now_ms < silent_ms() && (!is_welcome_ || channel_.on_time(now_ms) == Status::kOk);
  if (!is_there) forget();
  return is_there;
}

std::uint64_t DatagramPeer::next_wake_ms() const {
  if (session_ == 0) return kNever;
  return std::min(silent_ms(), is_welcome_ ? channel_.next_wake_ms() : kNever);
}

}  // namespace skink::edge
