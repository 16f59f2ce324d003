#pragma once
/// @file
/// A node and a bridge's end with a link between them that loses, repeats and delays datagrams, in virtual time.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "skink/edge/bridge/datagram_peer.hpp"
#include "skink/edge/datagram/node_connection.hpp"

namespace skink::edge {

using Payload = std::vector<std::uint8_t>;

inline Bytes bytes(const Payload& payload) { return {payload.data(), payload.size()}; }
inline Span<const char> text(const std::string& string) { return {string.data(), string.size()}; }

inline Payload payload_of(std::size_t count, std::uint8_t first) {
  Payload payload(count);
  for (std::size_t i = 0; i < count; ++i) payload[i] = static_cast<std::uint8_t>(first + i * 7 + i / 256);
  return payload;
}

/// What a link does to a datagram.
struct Weather {
  double loss = 0;
  double repeats = 0;
  std::uint32_t longest_ms = 0;  ///< a datagram takes 1 ms, and up to so many more: later ones may overtake it
};

/// A whole message that the node has heard.
struct Heard {
  std::string topic;
  Payload payload;
};

/// Both ends. What the node says is taken at once, unless `holds`.
class DatagramBench {
 public:
  explicit DatagramBench(const Weather& weather = {}, std::uint32_t seed = 1, const DatagramPeerLimits& limits = {})
      : weather_(weather), peer(limits), draw_(seed) {}

  void open(std::uint16_t session = 7, std::uint16_t keep_alive_s = 60) {
    datagram::OpenOptions options;
    options.session = session;
    options.keep_alive_s = keep_alive_s;
    options.fleet = text(fleet_);
    options.device_id = text(id_);
    REQUIRE(node.open(options, now) == Status::kOk);
  }

  /// Moves everything until `done`, or `limit_ms` later. @returns whether it is done.
  template <class Done>
  bool run_until(Done done, std::uint64_t limit_ms = 600'000) {
    const std::uint64_t end = now + limit_ms;
    while (now < end) {
      turn();
      if (done()) return true;
      turn();  // what it has said leaves at once
      now = std::max(now + 1, std::min(end, next_ms()));
    }
    return false;
  }
  bool connect() {
    open();
    return run_until([&] { return node.is_connected(); });
  }
  void run_for(std::uint64_t ms) {
    (void)run_until([] { return false; }, ms);
  }

  std::uint64_t now = 1000;
  datagram::Connection node;
  bool holds = false;           ///< the broker takes nothing
  bool has_broker = true;       ///< sessions are welcome
  bool is_cut = false;          ///< nothing comes through
  bool peer_is_silent = false;  ///< on_time() of the peer said that the node is
  Status node_status = Status::kOk;
  std::vector<mqtt::Event> events;  ///< of the node, but messages; views are not valid any more
  std::vector<Heard> heard;
  std::vector<DatagramEvent> said;
  std::uint64_t datagrams = 0;
  std::uint64_t datagram_bytes = 0;
  std::size_t longest = 0;

 private:
  struct OnItsWay {
    bool is_up = false;
    Payload content;
  };

  Weather weather_;

 public:
  DatagramPeer peer;

 private:
  void turn() {
    for (auto due = on_its_way_.begin(); due != on_its_way_.end() && due->first <= now; due = on_its_way_.begin()) {
      const OnItsWay arrived = due->second;
      on_its_way_.erase(due);
      arrived.is_up ? to_peer(arrived.content) : to_node(arrived.content);
    }
    if (now >= node.next_wake_ms() && node_status == Status::kOk) node_status = node.on_time(now);
    if (now >= peer.next_wake_ms() && !peer.on_time(now)) peer_is_silent = true;
    for (Bytes out = node.output(now); !out.empty(); out = node.output(now)) {
      send(true, out);
      node.sent(now);
    }
    for (Bytes out = peer.output(now); !out.empty(); out = peer.output(now)) send(false, out);
  }

  std::uint64_t next_ms() const {
    std::uint64_t next = std::min(node.next_wake_ms(), peer.next_wake_ms());
    if (!on_its_way_.empty()) next = std::min(next, on_its_way_.begin()->first);
    return next;
  }

  void send(bool is_up, Bytes out) {
    ++datagrams;
    datagram_bytes += out.size();
    longest = std::max(longest, out.size());
    if (is_cut) return;
    const int copies = unit_(draw_) < weather_.repeats ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      if (unit_(draw_) < weather_.loss) continue;
      const auto delay = 1 + static_cast<std::uint64_t>(unit_(draw_) * weather_.longest_ms);
      on_its_way_.emplace(now + delay, OnItsWay{is_up, Payload(out.begin(), out.end())});
    }
  }

  void to_peer(const Payload& content) {
    const auto event = peer.receive(bytes(content), now);
    if (!event) return;
    said.push_back(*event);
    if (event->kind == DatagramEventKind::kBegun && has_broker) peer.welcome(now);
    if (event->kind == DatagramEventKind::kMessage && !holds) peer.complete();
  }

  void to_node(const Payload& content) {
    Bytes input = bytes(content);
    mqtt::Event event;
    if (node_status != Status::kOk) return;
    node_status = node.receive(input, event, now);
    REQUIRE(input.empty());
    if (event.kind == mqtt::EventKind::kNone) return;
    if (event.kind != mqtt::EventKind::kMessage) {
      events.push_back(event);
      return;
    }
    if (event.offset == 0) {
      heard.push_back({std::string(event.topic.begin(), event.topic.end()), {}});
    }
    REQUIRE(heard.back().payload.size() == event.offset);
    heard.back().payload.insert(heard.back().payload.end(), event.piece.begin(), event.piece.end());
    REQUIRE(event.is_last == (heard.back().payload.size() == event.total_bytes));
  }

  std::string fleet_ = "plant";
  std::string id_ = "pump-1";
  std::minstd_rand draw_;
  std::uniform_real_distribution<double> unit_{0, 1};
  std::multimap<std::uint64_t, OnItsWay> on_its_way_;
};

}  // namespace skink::edge
