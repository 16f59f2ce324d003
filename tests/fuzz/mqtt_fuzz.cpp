/// @file
/// A broker that sends any bytes, cut anywhere, while the device subscribes and publishes. The first byte of each step
/// says what happens; promises are those of connection.hpp.

#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/edge/mqtt/connection.hpp"

namespace skink::test {
namespace {

using edge::mqtt::Connection;
using edge::mqtt::Event;
using edge::mqtt::EventKind;

constexpr std::uint8_t kConnack[] = {0x20, 2, 0, 0};
constexpr std::uint8_t kPayload[600] = {1, 2, 3};

class Session {
 public:
  explicit Session(bool is_accepted) {
    edge::mqtt::ConnectOptions options;
    options.client_id = {"fuzz", 4};
    promise(connection_.open(options, 0) == Status::kOk, "a short id fits");
    drain();
    if (is_accepted) receive(kConnack);
  }

  void receive(Bytes input) {
    while (!input.empty() && is_alive_) {
      const std::size_t before = input.size();
      Event event;
      const Status status = connection_.receive(input, event, now_);
      if (status == Status::kBufferTooSmall) {
        promise(input.size() == before, "nothing is taken while acknowledgements wait");
        promise(!connection_.output().empty(), "and they can be sent");
        drain();
        continue;
      }
      is_alive_ = status == Status::kOk;
      promise(is_alive_ || status == Status::kDamaged, "one of two");
      promise(!is_alive_ || input.size() < before, "something is taken");
      if (event.kind == EventKind::kMessage) check(event);
    }
  }

  void check(const Event& event) {
    promise(event.topic.size() > 0 && event.topic.size() <= SKINK_MQTT_TOPIC_BYTES, "a topic");
    promise(event.offset == offset_, "pieces are contiguous");
    promise(event.offset + event.piece.size() <= event.total_bytes, "and never more than the message");
    promise(event.is_last == (event.offset + event.piece.size() == event.total_bytes), "the last one ends it");
    offset_ = event.is_last ? 0 : offset_ + static_cast<std::uint32_t>(event.piece.size());
    std::uint8_t sum = 0;
    for (const std::uint8_t byte : event.piece) sum = static_cast<std::uint8_t>(sum + byte);
    sink_ = sum;
  }

  void drain(std::size_t limit = 100'000) {
    for (Bytes out = connection_.output(); !out.empty() && limit > 0; out = connection_.output()) {
      const std::size_t count = out.size() < limit ? out.size() : limit;
      sink_ = out[count - 1];
      connection_.sent(count, now_);
      limit -= count;
    }
  }

  void act(std::uint8_t what) {
    std::uint16_t id = 0;
    switch (what % 6) {
      case 0: (void)connection_.subscribe({"a/b", 3}, id); return;
      case 1: (void)connection_.unsubscribe({"a/b", 3}, id); return;
      case 2:
        (void)connection_.publish({"up", 2}, Bytes(kPayload).first(what * 2U), edge::mqtt::Retain::kNo, id, now_);
        return;
      case 3: drain(what); return;
      case 4: drain(); return;
      default:
        now_ += what * 100U;
        if (connection_.on_time(now_) != Status::kOk) is_alive_ = false;
        return;
    }
  }

  bool is_alive() const { return is_alive_; }

 private:
  Connection connection_;
  std::uint64_t now_ = 0;
  std::uint32_t offset_ = 0;
  bool is_alive_ = true;
  volatile std::uint8_t sink_ = 0;
};

}  // namespace

void fuzz_mqtt(Bytes input) {
  if (input.empty()) return;
  Session session((input[0] & 1) == 0);
  input = input.subspan(1);
  while (!input.empty() && session.is_alive()) {
    const std::uint8_t step = input[0];
    input = input.subspan(1);
    if (step >= 0x80) {
      session.act(step);
      continue;
    }
    const std::size_t count = step < input.size() ? step : input.size();
    const std::vector<std::uint8_t> part(input.begin(), input.begin() + count);  // of its own: reads beyond are seen
    session.receive({part.data(), part.size()});
    input = input.subspan(count);
  }
}

}  // namespace skink::test
