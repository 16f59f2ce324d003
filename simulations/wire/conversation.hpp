#pragma once
/// @file
/// One TCP connection between a device and the broker, as far as it decides how many packets carry what MQTT says.
/// There is no clock: the two talk in turn, every packet arrives before the next is sent, and a pause is longer than
/// any delayed acknowledgement.

#include <cstdint>

#include "skink/simulations/wire_cost.hpp"

namespace skink::simulations {

enum class Side : std::uint8_t { kDevice, kBroker };

/// An MQTT packet.
struct Packet {
  std::uint32_t mqtt_bytes = 0;     ///< all but the payload
  std::uint32_t payload_bytes = 0;  ///< of a PUBLISH
};

/// Does the sender say more at once?
enum class Then : std::uint8_t { kListens, kGoesOn };

class Conversation {
 public:
  explicit Conversation(const LinkProfile& link) : link_(link) {}

  void send(Side from, const Packet& packet, Then then = Then::kListens);

  /// Nothing is said for so long that what is unacknowledged is acknowledged.
  void pause();

  const WireCost& cost() const { return cost_; }
  void forget_cost() { cost_ = {}; }

 private:
  /// A receiver's memory of what it has not acknowledged.
  struct End {
    std::uint32_t unacknowledged_bytes = 0;
    std::uint32_t segments = 0;        ///< unacknowledged
    std::uint32_t short_segments = 0;  ///< unacknowledged, and shorter than they could be
    std::uint32_t freed_bytes = 0;     ///< of the window that the peer has not been told of
    bool has_heard = false;            ///< since the last pause
    bool is_interactive = true;        ///< Linux: it has answered in time, so it may wait with acknowledgements
  };

  void write(Side from, std::uint32_t bytes);
  void transmit(Side from, std::uint32_t bytes);
  void receive(Side side, std::uint32_t bytes, bool is_last);
  bool wants_to_acknowledge(Side side, const End& end, bool is_last) const;
  void acknowledge(Side side);
  static void settle(End& end);

  End& end_of(Side side) { return side == Side::kDevice ? device_ : broker_; }

  LinkProfile link_;
  WireCost cost_;
  End device_;
  End broker_;
  std::uint32_t held_bytes_ = 0;  ///< that the device sends with what it says next
};

}  // namespace skink::simulations
