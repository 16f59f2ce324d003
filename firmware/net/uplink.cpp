#include "skink/firmware/net/uplink.hpp"

#include "skink/common/arithmetic/philox.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/net/clock.hpp"
#include "skink/firmware/net/network.hpp"

namespace skink::firmware {
namespace {

constexpr uint64_t kFirstWaitMs = 1000;
constexpr uint64_t kLongestWaitMs = 60000;
constexpr uint64_t kPollMs = 50;
constexpr size_t kReadBytes = 512;

}  // namespace

void Uplink::turn(uint64_t now_ms) noexcept {
  switch (stage_) {
    case Stage::kAddress:
      if (!network::is_up()) return;
      stage_ = Stage::kTime;
      return;
    case Stage::kTime: find_time(); return;
    case Stage::kName: find_broker(now_ms); return;
    case Stage::kStream: follow_stream(now_ms); return;
    case Stage::kWaiting:
      if (now_ms >= wake_ms_) stage_ = Stage::kTime;
      return;
  }
}

uint64_t Uplink::next_wake_ms() const noexcept {
  if (stage_ == Stage::kWaiting) return wake_ms_;
  if (!is_open_) return 0;  // soon: lwIP's timers drive what is awaited
  return device_.next_wake_ms();
}

/// No certificate is checked before the time is known.
void Uplink::find_time() noexcept {
  if (clock::is_set() || clock::read_board()) {
    stage_ = Stage::kName;
    return;
  }
  if (asked_time_) return;  // the time server is asked again and again by itself
  if (*peers_.time_host == 0) {
    print("clock: this board has none and the identity names no time server");
    asked_time_ = true;
    return;
  }
  ip_addr_t address;
  if (network::resolve(peers_.time_host, address) != Status::kOk) return;
  print("clock: asking {}:{}", peers_.time_host, unsigned{peers_.time_port});
  clock::ask(address, peers_.time_port);
  asked_time_ = true;
}

void Uplink::find_broker(uint64_t now_ms) noexcept {
  ip_addr_t address;
  const Status status = network::resolve(peers_.broker_host, address);
  if (status == Status::kUnsupported) return;
  if (status != Status::kOk) {
    wait(now_ms, "the broker's name cannot be resolved");
    return;
  }
  ++attempts_;
  stream_.connect(address, peers_.broker_port);
  stage_ = Stage::kStream;
}

void Uplink::follow_stream(uint64_t now_ms) noexcept {
  stream_.poll();
  if (stream_.state() == TlsStream::State::kOpen && !is_open_) {
    is_open_ = true;
    if (stream_.was_resumed()) ++resumptions_;
    print("tls: connected to {}:{}{}", peers_.broker_host, unsigned{peers_.broker_port},
          stream_.was_resumed() ? ", session resumed" : "");
    if (!device_.on_stream_open(now_ms)) stream_.close();
  }
  if (is_open_) exchange(now_ms);
  if (stream_.state() != TlsStream::State::kClosed) return;
  const edge::mqtt::Problem problem = device_.connection().problem();
  const char* reason = problem != edge::mqtt::Problem::kNone ? problem_text(problem) : failure_text(stream_.failure());
  if (is_open_) device_.on_stream_closed();
  is_open_ = false;
  wait(now_ms, reason);
}

void Uplink::exchange(uint64_t now_ms) noexcept {
  for (;;) {
    uint8_t bytes[kReadBytes];
    const size_t count = stream_.read(bytes);
    if (count == 0) break;
    const bool was_online = device_.is_online();
    if (!device_.receive({bytes, count}, now_ms)) {
      stream_.close();
      return;
    }
    if (!was_online && device_.is_online()) {
      failures_ = 0;
      print("mqtt: accepted by the broker");
    }
    if (!send(now_ms)) break;  // what is read has acknowledgements, and there is room for few that wait
  }
  if (stream_.state() != TlsStream::State::kOpen) return;
  if (!device_.on_time(now_ms)) {
    stream_.close();
    return;
  }
  (void)send(now_ms);
  stream_.poll();
}

/// True: all is sent. False: the stream takes no more now.
bool Uplink::send(uint64_t now_ms) noexcept {
  for (Bytes output = device_.output(now_ms); !output.empty(); output = device_.output(now_ms)) {
    const size_t count = stream_.write(output);
    if (count == 0) return false;
    device_.sent(count, now_ms);
  }
  return true;
}

/// Doubling waits with as much jitter again, so that a fleet does not come back in step after the broker was away.
void Uplink::wait(uint64_t now_ms, const char* reason) noexcept {
  const uint64_t doubled = kFirstWaitMs << (failures_ < 10 ? failures_ : 10);
  const uint64_t base = doubled < kLongestWaitMs ? doubled : kLongestWaitMs;
  const uint32_t word = arithmetic::philox(peers_.jitter_seed, attempts_, 0, failures_, 1).words[0];
  const uint64_t pause = base / 2 + word % base;
  ++failures_;
  print("connection: {} (code {}); again in {} ms", reason, stream_.code(), pause);
  wake_ms_ = now_ms + pause;
  stage_ = Stage::kWaiting;
}

}  // namespace skink::firmware
