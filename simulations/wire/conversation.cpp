#include "wire/conversation.hpp"

#include <algorithm>
#include <utility>

namespace skink::simulations {
namespace {

Side other(Side side) { return side == Side::kDevice ? Side::kBroker : Side::kDevice; }

std::uint64_t& at(WireBytes& bytes, Side from) { return from == Side::kDevice ? bytes.up : bytes.down; }

}  // namespace

void Conversation::send(Side from, const Packet& packet, Then then) {
  at(cost_.payload, from) += packet.payload_bytes;
  at(cost_.mqtt, from) += packet.mqtt_bytes;
  if (from == Side::kDevice && link_.publishes_in_two) {
    write(from, packet.mqtt_bytes);
    write(from, packet.payload_bytes);
  } else {
    write(from, packet.mqtt_bytes + packet.payload_bytes);
  }
  if (then == Then::kListens && held_bytes_ > 0) transmit(from, std::exchange(held_bytes_, 0));
}

/// What a program gives to TLS. A record leaves at once, or with what else the device says in its turn. Of several
/// records the first leaves alone; while it is on its way the others fill segments.
void Conversation::write(Side from, std::uint32_t bytes) {
  const std::uint32_t first = std::min(bytes, link_.longest_record);
  const std::uint32_t others = (bytes - first + link_.longest_record - 1) / link_.longest_record;
  at(cost_.tls, from) += (others + (first > 0 ? 1 : 0)) * link_.record_bytes;
  const std::uint32_t first_bytes = first + (first > 0 ? link_.record_bytes : 0);
  const std::uint32_t other_bytes = bytes - first + others * link_.record_bytes;
  if (from == Side::kDevice && link_.sends_by_turns) {
    held_bytes_ += first_bytes + other_bytes;
    return;
  }
  transmit(from, first_bytes);
  transmit(from, other_bytes);
}

void Conversation::transmit(Side from, std::uint32_t bytes) {
  if (bytes == 0) return;
  End& end = end_of(from);
  end.is_interactive = end.is_interactive || end.has_heard;
  settle(end);  // what it has received is acknowledged by what it sends
  const std::uint32_t longest = link_.segment_bytes();
  while (bytes > 0) {
    const std::uint32_t segment = std::min(bytes, longest);
    bytes -= segment;
    at(cost_.tcp_ip, from) += link_.header_bytes;
    receive(other(from), segment, bytes == 0);
  }
}

void Conversation::receive(Side side, std::uint32_t bytes, bool is_last) {
  End& end = end_of(side);
  end.has_heard = true;
  end.unacknowledged_bytes += bytes;
  ++end.segments;
  if (bytes < link_.segment_bytes()) ++end.short_segments;
  if (wants_to_acknowledge(side, end, is_last)) acknowledge(side);
  if (side == Side::kBroker || link_.device != Acknowledging::kLwip) return;
  // The bytes are taken at once, and lwIP tells the peer of room for a whole segment (tcp_recved,
  // TCP_WND_UPDATE_THRESHOLD).
  end.freed_bytes += bytes;
  if (end.freed_bytes < link_.segment_bytes()) return;
  end.freed_bytes = 0;
  acknowledge(side);
}

/// Linux: net/ipv4/tcp_input.c, __tcp_ack_snd_check, and tcp.c, tcp_cleanup_rbuf, where a program has read all there
/// is. lwIP: every second segment (tcp_priv.h, tcp_ack).
bool Conversation::wants_to_acknowledge(Side side, const End& end, bool is_last) const {
  if (side == Side::kDevice && link_.device == Acknowledging::kLwip) return end.segments >= 2;
  if (end.unacknowledged_bytes > link_.segment_bytes()) return true;
  return is_last && (end.short_segments >= 2 || !end.is_interactive);
}

void Conversation::acknowledge(Side side) {
  at(cost_.tcp_ip, side) += link_.header_bytes;
  settle(end_of(side));
}

void Conversation::settle(End& end) {
  end.unacknowledged_bytes = 0;
  end.segments = 0;
  end.short_segments = 0;
}

void Conversation::pause() {
  for (const Side side : {Side::kDevice, Side::kBroker}) {
    End& end = end_of(side);
    if (end.segments > 0) {
      acknowledge(side);
      end.is_interactive = false;  // the timer for delayed acknowledgements has run out: tcp_delack_timer_handler
    }
    end.has_heard = false;
  }
}

}  // namespace skink::simulations
