/// @file
/// A node and a bridge's end of a session over datagrams, which get any bytes, each other's datagrams, and not all of
/// them. The first byte of each step says what happens; promises are those of node_connection.hpp and
/// datagram_peer.hpp.

#include <algorithm>
#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/edge/datagram/node_connection.hpp"

namespace skink::test {
namespace {

using edge::datagram::Address;
using edge::datagram::Channel;
using edge::datagram::Connection;
using edge::datagram::Datagram;
using edge::datagram::Incoming;
using edge::datagram::Kind;

constexpr std::uint8_t kPayload[10000] = {1, 2, 3};
constexpr std::uint16_t kSession = 7;

/// What was read is written as the same bytes, but for unused bits.
void check_parser(Bytes input) {
  Datagram datagram;
  if (edge::datagram::parse(input, datagram) != Status::kOk) return;
  promise(datagram.session != 0, "a session");
  promise(datagram.offset + datagram.piece.size() <= datagram.total || datagram.kind != Kind::kPiece, "inside");
  std::vector<std::uint8_t> out(input.size());
  promise(edge::datagram::write(datagram, {out.data(), out.size()}) == input.size(), "as long as it was");
  Datagram again;
  promise(edge::datagram::parse({out.data(), out.size()}, again) == Status::kOk, "a datagram again");
  promise(again.kind == datagram.kind && again.session == datagram.session && again.number == datagram.number &&
              again.offset == datagram.offset && again.total == datagram.total && again.sleep_s == datagram.sleep_s &&
              again.address == datagram.address && again.piece.size() == datagram.piece.size(),
          "the same one");
}

/// A node whose bridge is a Channel and any bytes.
class Session {
 public:
  Session() {
    edge::datagram::OpenOptions options;
    options.session = kSession;
    options.fleet = {"plant", 5};
    options.device_id = {"pump", 4};
    promise(node_.open(options, now_) == Status::kOk, "a session");
    bridge_.reset(kSession);
  }

  void to_node(Bytes bytes) {
    Bytes input = bytes;
    edge::mqtt::Event event;
    const Status status = node_.receive(input, event, now_);
    promise(status == Status::kOk || status == Status::kDamaged, "one of two");
    promise(input.empty(), "a datagram is taken as a whole");
    promise((status == Status::kOk) || node_.problem() != edge::datagram::Problem::kNone, "with a reason");
    if (event.kind == edge::mqtt::EventKind::kMessage) {
      check(node_offset_, event.offset, event.piece, event.total_bytes, event.is_last);
      promise(!event.topic.empty() && event.topic.size() < wire::kMaxTopicBytes, "a topic");
    }
  }

  void to_bridge(Bytes bytes) {
    Datagram datagram;
    if (edge::datagram::parse(bytes, datagram) != Status::kOk) return;
    Incoming incoming;
    if (!bridge_.take(datagram, incoming, now_)) return;
    check(bridge_offset_, incoming.offset, incoming.piece, incoming.total, incoming.is_last);
    if (incoming.is_last) bridge_.complete();
  }

  void act(std::uint8_t what) {
    std::uint16_t id = 0;
    const Bytes payload = Bytes(kPayload).first(what * 39U);
    switch (what % 9) {
      case 0: (void)node_.subscribe({"skink/1/plant/model/1/+", 23}, id, now_); return;
      case 1:
        (void)node_.publish({"skink/1/plant/dev/pump/update", 29}, payload, edge::mqtt::Retain::kNo, id, now_);
        return;
      case 2: (void)node_.probe(now_); return;
      case 3: (void)node_.sleep(what, now_); return;
      case 4: (void)bridge_.send({{}, wire::TopicKind::kModel, 1, what, true}, payload, now_); return;
      case 5: bridge_.pause(what > 0xc0, now_); return;
      case 6: exchange(what > 0xc0); return;
      case 7: (void)node_.disconnect(); return;
      default:
        now_ += what * 50U;
        (void)node_.on_time(now_);
        (void)bridge_.on_time(now_);
        return;
    }
  }

 private:
  /// What each end has to say, as much as it may say at once, comes to the other or is lost.
  void exchange(bool is_lost) {
    std::uint8_t out[SKINK_DATAGRAM_BYTES];
    for (int turn = 0; turn < 40; ++turn) {
      const Bytes up = node_.output(now_);
      promise(up.size() <= SKINK_DATAGRAM_BYTES, "no larger than it may be");
      const std::vector<std::uint8_t> copy(up.begin(), up.end());
      if (!up.empty()) node_.sent(now_);
      if (!up.empty() && !is_lost) to_bridge({copy.data(), copy.size()});
      const std::size_t down = bridge_.output(MutableBytes(out), now_);
      if (down != 0 && !is_lost) to_node(Bytes(out).first(down));
      if (up.empty() && down == 0) return;
    }
  }

  static void check(std::uint32_t& expected, std::uint32_t offset, Bytes piece, std::uint32_t total, bool is_last) {
    promise(offset == 0 || offset == expected, "pieces are contiguous");
    promise(offset + piece.size() <= total, "and never more than the message");
    promise(is_last == (offset + piece.size() == total), "the last one ends it");
    expected = is_last ? 0 : offset + static_cast<std::uint32_t>(piece.size());
  }

  Connection node_;
  Channel bridge_;
  std::uint64_t now_ = 1;
  std::uint32_t node_offset_ = 0;
  std::uint32_t bridge_offset_ = 0;
};

}  // namespace

void fuzz_datagram(Bytes input) {
  check_parser(input);
  Session session;
  const std::uint8_t welcome[] = {0x12, 0, kSession, 0};
  session.to_node(welcome);
  while (!input.empty()) {
    const std::uint8_t step = input[0];
    input = input.subspan(1);
    if (step >= 0x80) {
      session.act(step);
      continue;
    }
    const std::size_t count = std::min<std::size_t>(step & 0x3fU, input.size());
    const std::vector<std::uint8_t> part(input.begin(), input.begin() + count);  // of its own: reads beyond are seen
    const Bytes bytes{part.data(), part.size()};
    (step & 0x40) != 0 ? session.to_bridge(bytes) : session.to_node(bytes);
    input = input.subspan(count);
  }
}

}  // namespace skink::test
