#include "skink/firmware/net/uplink.hpp"

#include "skink/common/arithmetic/philox.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/net/clock.hpp"
#include "skink/firmware/net/ip_network.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kFirstWaitMs = 1000;
constexpr uint32_t kLongestWaitMs = 60000;
constexpr uint64_t kLastingMs = 60000;       ///< a session that ends sooner counts as a failure
constexpr uint64_t kTimeAnswerMs = 20000;    ///< three questions meanwhile
constexpr uint64_t kStreamAnswerMs = 30000;  ///< until TCP is up, and from one byte of the TLS handshake to the next
constexpr uint64_t kConnectMs = 300000;      ///< for all of it, on a slow link
constexpr uint64_t kLeaseMs = 60000;         ///< lwIP counts the lease's minutes
constexpr uint64_t kClosingMs = 5000;        ///< for TCP's end, before the network is left alone
constexpr size_t kReadBytes = 512;

}  // namespace

void Uplink::turn(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  for (int stages = 0; stages < kStages; ++stages) {  // as far as it gets without waiting
    const Stage before = stage_;
    take_turn();
    if (stage_ == before) return;
  }
}

void Uplink::take_turn() noexcept {
  switch (stage_) {
    case Stage::kAddress:
      if (network::is_up()) stage_ = Stage::kTime;
      return;
    case Stage::kTime: find_time(); return;
    case Stage::kName: find_broker(); return;
    case Stage::kStream: follow_stream(); return;
    case Stage::kWaiting:
      if (now_ms_ >= wake_ms_) stage_ = Stage::kTime;
      return;
    case Stage::kAsleep: sleep(); return;
  }
}

uint64_t Uplink::next_wake_ms() const noexcept {
  if (is_asleep()) return wake_ms_;
  const bool waits_for_network = stage_ != Stage::kWaiting && !is_open_;  // all that is awaited has a timer of lwIP's
  const bool can_rest = !waits_for_network && network::settle();
  const uint64_t network_ms = can_rest ? now_ms_ + kLeaseMs : network::next_wake_ms();
  const bool has_own = stage_ == Stage::kWaiting || stage_ == Stage::kAsleep;
  const uint64_t own_ms = has_own ? wake_ms_ : is_open_ ? device_.next_wake_ms() : network_ms;
  return own_ms < network_ms ? own_ms : network_ms;
}

/// No certificate is checked before the time is known.
void Uplink::find_time() noexcept {
  if (clock::is_set() || clock::read_board()) {
    stage_ = Stage::kName;
    return;
  }
  if (asked_time_) {
    if (now_ms_ >= answer_by_ms_) ask_next_server("the time server does not answer");
    return;
  }
  if (!has_server(0)) {
    wait("no clock, and the identity names no time server");
    return;
  }
  const provisioning::TimeServer& server = peers_.time_servers[time_server_];
  (void)provisioning::terminate(server.host, time_host_);
  ip_addr_t address;
  const Status status = network::resolve(time_host_, address);
  if (status == Status::kUnsupported) return;
  if (status != Status::kOk) {
    ask_next_server("the time server's name cannot be resolved");
    return;
  }
  print("clock: asking {}:{}", static_cast<const char*>(time_host_), unsigned{server.port});
  clock::ask(address, server.port);
  asked_time_ = true;
  answer_by_ms_ = now_ms_ + kTimeAnswerMs;
}

bool Uplink::has_server(size_t index) const noexcept {
  return index < provisioning::kMaxTimeServers && !peers_.time_servers[index].host.empty();
}

/// Without a pause, until each has been asked.
void Uplink::ask_next_server(const char* reason) noexcept {
  asked_time_ = false;
  const bool is_last = !has_server(size_t{time_server_} + 1);
  time_server_ = is_last ? uint8_t{0} : static_cast<uint8_t>(time_server_ + 1);
  if (is_last) {
    wait(reason);
  } else {
    print("clock: {}; the next one is asked", reason);
  }
}

/// A certificate is out of its dates, or the time is wrong: the next connection takes that of the next server.
void Uplink::doubt_time() noexcept {
  if (!has_server(0)) return;
  clock::forget();
  time_server_ = has_server(size_t{time_server_} + 1) ? static_cast<uint8_t>(time_server_ + 1) : uint8_t{0};
}

void Uplink::find_broker() noexcept {
  ip_addr_t address;
  const Status status = network::resolve(peers_.broker_host, address);
  if (status == Status::kUnsupported) return;
  if (status != Status::kOk) {
    wait("the broker's name cannot be resolved");
    return;
  }
  ++attempts_;
  if (!read_credentials()) return;
  stream_.connect(address, peers_.broker_port);
  stage_ = Stage::kStream;
  answer_by_ms_ = now_ms_ + kStreamAnswerMs;
  connect_by_ms_ = now_ms_ + kConnectMs;
}

/// Those that the device wants to connect with now.
bool Uplink::read_credentials() noexcept {
  CredentialStore* credentials = device_.credentials();
  if (credentials == nullptr || credentials->generation() == generation_) return true;
  const uint32_t wanted = credentials->generation();
  generation_ = 0;  // read again with the next attempt, unless they are taken
  if (stream_.change_credentials(credentials->in_use()) == Status::kOk) {
    generation_ = wanted;
    return true;
  }
  credentials->on_failed();
  wait("a certificate or the key does not parse");
  return false;
}

/// On a slow link a record takes longer than a patient broker would.
void Uplink::listen() noexcept {
  if (stream_.received_bytes() == heard_bytes_) return;
  heard_bytes_ = stream_.received_bytes();
  answer_by_ms_ = now_ms_ + kStreamAnswerMs;
  if (is_open_) device_.on_activity(now_ms_);
}

void Uplink::follow_stream() noexcept {
  stream_.poll();
  listen();
  if (stream_.state() == TlsStream::State::kOpen && !is_open_) {
    is_open_ = true;
    if (stream_.was_resumed()) ++resumptions_;
    print("tls: connected to {}:{}{}", peers_.broker_host, unsigned{peers_.broker_port},
          stream_.was_resumed() ? ", session resumed" : "");
    if (!device_.on_stream_open(now_ms_)) stream_.close();
  }
  if (is_open_) {
    exchange();
  } else if ((now_ms_ >= answer_by_ms_ || now_ms_ >= connect_by_ms_) && stream_.state() != TlsStream::State::kClosed) {
    const bool shakes_hands = stream_.state() == TlsStream::State::kShakingHands;
    if (shakes_hands && device_.credentials() != nullptr) device_.credentials()->on_failed();
    stream_.close(TlsFailure::kUnreachable);
  }
  if (stream_.state() == TlsStream::State::kClosed) on_closed();
}

void Uplink::on_closed() noexcept {
  const edge::mqtt::Problem problem = device_.connection().problem();
  const char* reason = problem != edge::mqtt::Problem::kNone ? problem_text(problem) : failure_text(stream_.failure());
  const bool is_about_tls = stream_.failure() != TlsFailure::kUnreachable && stream_.failure() != TlsFailure::kNone;
  if (!is_open_ && is_about_tls && device_.credentials() != nullptr) device_.credentials()->on_failed();
  if (stream_.failure() == TlsFailure::kExpired || stream_.failure() == TlsFailure::kNotYetValid) doubt_time();
  if (is_open_) device_.on_stream_closed();
  is_open_ = false;
  if (accepted_ms_ != 0 && now_ms_ - accepted_ms_ >= kLastingMs) failures_ = 0;
  accepted_ms_ = 0;
  if (is_leaving_) {
    fall_asleep();
    return;
  }
  wait(reason, stream_.code());
}

void Uplink::exchange() noexcept {
  while (send()) {  // what is read has acknowledgements, and there is room for few that wait
    uint8_t bytes[kReadBytes];
    const size_t count = stream_.read(bytes);
    if (count == 0) break;
    const bool was_online = device_.is_online();
    if (!device_.receive({bytes, count}, now_ms_)) {
      stream_.close();
      return;
    }
    if (!was_online && device_.is_online()) {
      accepted_ms_ = now_ms_;
      print("mqtt: accepted by the broker");
    }
  }
  if (stream_.state() != TlsStream::State::kOpen) return;
  if (!device_.on_time(now_ms_)) {
    stream_.close();
    return;
  }
  (void)send();
  stream_.poll();
  const bool is_over = device_.wants_sleep() || (send() && device_.wants_sleep());  // the first call says DISCONNECT
  if (is_over) {
    is_leaving_ = true;
    stream_.poll();
    stream_.close();
    return;
  }
  if (!device_.wants_reconnection()) return;
  print("tls: other credentials are to be used");
  stream_.close();
}

/// True: all is sent. False: the stream takes no more now.
bool Uplink::send() noexcept {
  for (Bytes output = device_.output(now_ms_); !output.empty(); output = device_.output(now_ms_)) {
    const size_t count = stream_.write(output);
    if (count == 0) return false;
    device_.sent(count, now_ms_);
  }
  return true;
}

/// Up to an eighth more, so that a fleet does not wake in step.
void Uplink::fall_asleep() noexcept {
  is_leaving_ = false;
  failures_ = 0;
  const uint32_t word = arithmetic::philox(peers_.jitter_seed, attempts_, 0, 0, 2).words[0];
  const uint64_t sleep_ms = uint64_t{device_.policy().sleep_s} * 1000;
  wake_ms_ = now_ms_ + sleep_ms + word % (sleep_ms / 8 + 1);
  stage_ = Stage::kAsleep;
  left_ms_ = now_ms_;
  is_quiet_ = false;
  print("sleep: until the next connection, {} s", static_cast<unsigned>((wake_ms_ - now_ms_) / 1000));
}

/// First the connection closes in order: a broker that hears nothing more of it would repeat its last segment to a node
/// that does not listen. lwIP counts no minutes of the lease meanwhile, so that they are counted in the end.
void Uplink::sleep() noexcept {
  is_quiet_ = is_quiet_ || network::settle() || now_ms_ - left_ms_ >= kClosingMs;
  if (now_ms_ < wake_ms_) return;
  network::make_up_for(now_ms_ - left_ms_);
  stage_ = Stage::kAddress;
}

/// Doubling waits with as much jitter again, so that a fleet does not come back in step after the broker was away.
void Uplink::wait(const char* reason, int code) noexcept {
  const uint32_t doubled = kFirstWaitMs << (failures_ < 10 ? failures_ : 10);
  const uint32_t base = doubled < kLongestWaitMs ? doubled : kLongestWaitMs;
  const uint32_t word = arithmetic::philox(peers_.jitter_seed, attempts_, 0, failures_, 1).words[0];
  const uint32_t pause = base / 2 + word % base;
  ++failures_;
  print("connection: {} (code {}); again in {} ms", reason, code, pause);
  wake_ms_ = now_ms_ + pause;
  stage_ = Stage::kWaiting;
  asked_time_ = false;
}

}  // namespace skink::firmware
