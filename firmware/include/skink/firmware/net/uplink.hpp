#pragma once
/// @file
/// Keeps a device connected: address, name, time, TLS, back-off; moves bytes between the TLS stream and the device.

#include "skink/common/provisioning/identity.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/net/tls_stream.hpp"

namespace skink::firmware {

/// Where broker and time servers are. Texts are borrowed for the uplink's life; the broker's is zero-terminated.
struct Peers {
  const char* broker_host = "";                                          ///< a name or a dotted number
  uint16_t broker_port = 8883;                                           ///< TCP
  provisioning::TimeServer time_servers[provisioning::kMaxTimeServers];  ///< asked in turn; the first empty one ends it
  uint64_t jitter_seed = 0;  ///< spreads the reconnections of a fleet; any value
};

/// The connection of one device. Not ISR-safe: all calls come from the main loop.
class Uplink {
 public:
  /// @param[in] stream, device  `stream` is configured; both are borrowed for the uplink's life.
  Uplink(const Peers& peers, TlsStream& stream, Device& device) noexcept
      : peers_(peers), stream_(stream), device_(device) {}

  /// One turn of the main loop: everything that can be done without waiting.
  void turn(uint64_t now_ms) noexcept;

  /// When turn() wants to be called again if no frame comes, in the clock of `now_ms`.
  uint64_t next_wake_ms() const noexcept;

  /// Does the device sleep between two connections, the last one being closed? Nothing but its end, next_wake_ms(),
  /// need wake it.
  bool is_asleep() const noexcept { return stage_ == Stage::kAsleep && is_quiet_; }
  /// Connections that were begun since the reset.
  uint32_t attempts() const noexcept { return attempts_; }
  /// Those of them that resumed a TLS session.
  uint32_t resumptions() const noexcept { return resumptions_; }

 private:
  enum class Stage : uint8_t { kAddress, kTime, kName, kStream, kWaiting, kAsleep };
  static constexpr int kStages = 6;

  void take_turn() noexcept;
  void find_time() noexcept;
  void ask_next_server(const char* reason) noexcept;
  void doubt_time() noexcept;
  bool has_server(size_t index) const noexcept;
  void find_broker() noexcept;
  void follow_stream() noexcept;
  bool read_credentials() noexcept;
  void listen() noexcept;
  void exchange() noexcept;
  bool send() noexcept;
  void on_closed() noexcept;
  void wait(const char* reason, int code = 0) noexcept;
  void fall_asleep() noexcept;
  void sleep() noexcept;

  Peers peers_;
  TlsStream& stream_;
  Device& device_;
  uint64_t now_ms_ = 0;  ///< of the turn that is being taken
  Stage stage_ = Stage::kAddress;
  uint32_t generation_ = 0;  ///< of the credentials that the stream has; 0: those that it was configured with
  bool is_open_ = false;     ///< the device was told that the stream is up
  bool asked_time_ = false;
  uint8_t time_server_ = 0;                               ///< which of them is asked
  char time_host_[provisioning::kMaxHostBytes + 1] = "";  ///< its name
  bool is_leaving_ = false;                               ///< the device has said goodbye
  uint64_t answer_by_ms_ = 0;                             ///< the time server's, or the broker's to TCP and TLS
  uint64_t connect_by_ms_ = 0;                            ///< TCP and TLS, however much comes
  uint32_t heard_bytes_ = 0;                              ///< of the stream
  uint64_t accepted_ms_ = 0;                              ///< when the broker took the last MQTT session; 0: it has not
  uint32_t failures_ = 0;                                 ///< since the last session that lasted
  bool is_quiet_ = false;                                 ///< asleep: the network needs nothing any more
  uint32_t attempts_ = 0;
  uint32_t resumptions_ = 0;
  uint64_t wake_ms_ = 0;
  uint64_t left_ms_ = 0;  ///< when it fell asleep
};

}  // namespace skink::firmware
