#include "skink/edge/datagram/datagram_channel.hpp"

namespace skink::edge::datagram {
namespace {

uint32_t at_most(uint64_t value, uint32_t limit) noexcept {
  return value < limit ? static_cast<uint32_t>(value) : limit;
}

/// Numbers of messages go round without 0, which is none.
uint16_t after(uint16_t number) noexcept { return number == 0xffff ? 1 : static_cast<uint16_t>(number + 1); }

/// A peer that has all of a message but has not taken it is asked more seldom.
constexpr uint32_t kHeldWaits = 4;

}  // namespace

// ---- patience -------------------------------------------------------------------------------------------------------

void Patience::begin(uint64_t now_ms) noexcept {
  if (is_measuring_ || tries_ != 0) return;
  is_measuring_ = true;
  begun_ms_ = now_ms;
}

void Patience::answered(uint64_t now_ms) noexcept {
  tries_ = 0;
  if (!is_measuring_) return;
  is_measuring_ = false;
  const uint32_t trip = at_most(now_ms - begun_ms_, SKINK_DATAGRAM_LONGEST_WAIT_MS);
  if (!has_measured_) {
    has_measured_ = true;
    trip_ms_ = trip;
    deviation_ms_ = trip / 2;
    return;
  }
  const uint32_t apart = trip > trip_ms_ ? trip - trip_ms_ : trip_ms_ - trip;
  deviation_ms_ = (3 * deviation_ms_ + apart + 3) / 4;
  trip_ms_ = (7 * trip_ms_ + trip + 7) / 8;
}

bool Patience::repeat() noexcept {
  is_measuring_ = false;
  ++tries_;
  return tries_ < SKINK_DATAGRAM_TRIES;
}

uint32_t Patience::wait_ms() const noexcept {
  uint32_t wait = SKINK_DATAGRAM_FIRST_WAIT_MS;
  if (has_measured_) {
    wait = trip_ms_ + 4 * deviation_ms_;
    if (wait < SKINK_DATAGRAM_LEAST_WAIT_MS) wait = SKINK_DATAGRAM_LEAST_WAIT_MS;
  }
  return at_most(uint64_t{wait} << tries_, SKINK_DATAGRAM_LONGEST_WAIT_MS);
}

// ---- out ------------------------------------------------------------------------------------------------------------

void Channel::reset(uint16_t session) noexcept {
  *this = Channel();
  session_ = session;
}

Status Channel::send(const Address& address, Bytes payload, uint64_t now_ms) noexcept {
  if (is_sending_) return Status::kUnavailable;
  if (payload.size() > kMaxMessageBytes) return Status::kInvalidArgument;
  number_ = after(number_);
  address_ = address;
  payload_ = payload;
  sent_ = 0;
  acked_ = 0;
  furthest_ = 0;
  has_hurried_ = false;
  asks_ = payload.empty();  // an empty piece is all of it
  is_sending_ = true;
  has_sent_ = false;
  patience_.heard();
  resend_ms_ = is_paused_ ? kNever : now_ms + patience_.wait_ms();
  return Status::kOk;
}

bool Channel::has_sent() noexcept {
  const bool has = has_sent_;
  has_sent_ = false;
  return has;
}

bool Channel::is_piece_due(size_t room) const noexcept {
  if (!is_sending_ || is_paused_) return false;
  return asks_ || (sent_ < payload_.size() && sent_ < acked_ + SKINK_DATAGRAM_WINDOW * room);
}

size_t Channel::write_piece(MutableBytes out, uint64_t now_ms) noexcept {
  const size_t room = out.size() - kPieceHeaderBytes;
  if (!is_piece_due(room)) return 0;
  const size_t left = payload_.size() - sent_;
  const size_t count = left < room ? left : room;
  Datagram datagram;
  datagram.kind = Kind::kPiece;
  datagram.session = session_;
  datagram.number = number_;
  datagram.address = address_;
  datagram.total = static_cast<uint16_t>(payload_.size());
  datagram.offset = static_cast<uint16_t>(sent_);
  datagram.piece = payload_.subspan(sent_, count);
  const size_t written = write(datagram, out);
  if (written == 0) return 0;
  const bool is_first_time = sent_ == 0 ? furthest_ == 0 : sent_ >= furthest_;
  sent_ += static_cast<uint32_t>(count);
  asks_ = false;
  if (is_first_time) patience_.begin(now_ms);
  if (sent_ > furthest_) furthest_ = sent_;
  resend_ms_ = now_ms + patience_.wait_ms();
  return written;
}

size_t Channel::output(MutableBytes out, uint64_t now_ms) noexcept {
  if (!owes_ack_ && !owes_old_ack_) return write_piece(out, now_ms);
  Datagram datagram;
  datagram.kind = Kind::kAck;
  datagram.session = session_;
  datagram.is_complete = owes_old_ack_;
  datagram.number = owes_old_ack_ ? taken_ : after(taken_);
  datagram.offset = owes_old_ack_ ? 0 : static_cast<uint16_t>(received_);
  (owes_old_ack_ ? owes_old_ack_ : owes_ack_) = false;
  return write(datagram, out);
}

/// An ACK with nothing new: a piece is lost, or another has overtaken it. All is sent from there on, as the peer keeps
/// nothing out of order; once until something new is acknowledged.
void Channel::hurry(uint64_t now_ms) noexcept {
  if (has_hurried_ || is_paused_ || sent_ <= acked_) return;
  has_hurried_ = true;
  patience_.forget();
  sent_ = acked_;
  resend_ms_ = now_ms + patience_.wait_ms();
}

void Channel::take_ack(const Datagram& datagram, uint64_t now_ms) noexcept {
  if (!is_sending_ || datagram.number != number_) return;
  if (datagram.is_complete) {
    patience_.answered(now_ms);
    is_sending_ = false;
    has_sent_ = true;
    payload_ = {};
    resend_ms_ = kNever;
    return;
  }
  if (datagram.offset > furthest_ || datagram.offset < acked_) return;
  if (datagram.offset == acked_ && datagram.offset < payload_.size()) {
    hurry(now_ms);
    return;
  }
  patience_.answered(now_ms);
  acked_ = datagram.offset;
  has_hurried_ = false;
  if (sent_ < acked_) sent_ = acked_;
  const bool is_held = acked_ == payload_.size();
  resend_ms_ = now_ms + (is_held ? kHeldWaits : 1) * patience_.wait_ms();
}

// ---- in -------------------------------------------------------------------------------------------------------------

bool Channel::take(const Datagram& datagram, Incoming& incoming, uint64_t now_ms) noexcept {
  if (datagram.session != session_) return false;
  if (datagram.kind == Kind::kAck) take_ack(datagram, now_ms);
  return datagram.kind == Kind::kPiece && take_piece(datagram, incoming);
}

bool Channel::take_piece(const Datagram& datagram, Incoming& incoming) noexcept {
  if (datagram.number == taken_ && taken_ != 0) {
    owes_old_ack_ = true;  // what said so was lost
    return false;
  }
  if (datagram.number != after(taken_)) return false;
  if (!is_receiving_) {
    is_receiving_ = true;
    is_whole_ = false;
    received_ = 0;
    total_ = datagram.total;
    from_ = datagram.address;
  }
  if (datagram.total != total_ || !(datagram.address == from_)) return false;
  owes_ack_ = true;
  const bool is_new = datagram.offset == received_ && !is_whole_ && (!datagram.piece.empty() || total_ == 0);
  if (!is_new) return false;
  incoming = {from_, total_, received_, datagram.piece, false};
  received_ += static_cast<uint32_t>(datagram.piece.size());
  is_whole_ = received_ == total_;
  incoming.is_last = is_whole_;
  return true;
}

void Channel::complete() noexcept {
  if (!is_receiving_ || !is_whole_) return;
  is_receiving_ = false;
  owes_ack_ = false;
  owes_old_ack_ = true;
  taken_ = after(taken_);
}

// ---- time -----------------------------------------------------------------------------------------------------------

Status Channel::on_time(uint64_t now_ms) noexcept {
  if (now_ms < resend_ms_) return Status::kOk;
  if (!patience_.repeat()) {
    resend_ms_ = kNever;
    return Status::kUnavailable;
  }
  sent_ = acked_;
  asks_ = acked_ == payload_.size();
  resend_ms_ = now_ms + patience_.wait_ms();
  return Status::kOk;
}

void Channel::pause(bool is_paused, uint64_t now_ms) noexcept {
  if (is_paused == is_paused_) return;
  is_paused_ = is_paused;
  if (!is_sending_) return;
  patience_.heard();
  resend_ms_ = is_paused ? kNever : now_ms;
}

}  // namespace skink::edge::datagram
