#pragma once
/// @file
/// TLS 1.2 over one lwIP TCP connection, both ends proven by certificates. lwIP's callbacks only take note of what
/// came; all of mbedTLS runs in poll(), outside of them, so a connection can be dropped at any point.
///
/// The broker's certificate chain, its dates and its name are checked in every full handshake. A second connection
/// resumes the session of the first (RFC 5077, or by session id), which spares both ends the public-key work: the
/// broker then proves that it is the one of the first; how long it lets a session be resumed is the broker's to say.

#include <lwip/ip_addr.h>
#include <lwip/tcp.h>
#include <mbedtls/ssl.h>

#include "skink/common/crypto/mbedtls_version.h"
#if SKINK_CRYPTO != SKINK_CRYPTO_PSA
#include <mbedtls/entropy.h>
#endif

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/firmware/tls/mbedtls_keys.hpp"

namespace skink::firmware {

/// What mbedTLS is told: DER, borrowed as long as the stream uses it, and used where it lies.
struct TlsCredentials {
  CredentialView own;            ///< whom the broker is to be signed by, and who this device is
  const char* server_name = "";  ///< must be in the broker's certificate; zero-terminated
};

/// Why a stream was closed.
enum class TlsFailure : uint8_t {
  kNone,           ///< by this end, or it was never connected
  kUnreachable,    ///< no TCP connection, or no answer in time
  kClosed,         ///< the peer closed it, in order
  kReset,          ///< the connection broke
  kUntrusted,      ///< not signed by the CA
  kWrongName,      ///< signed, but for another host
  kExpired,        ///< no longer valid
  kNotYetValid,    ///< not valid yet: is the clock right?
  kRefusedByPeer,  ///< a fatal alert: the broker does not accept this device's certificate; code() is the alert's
                   ///< number
  kAlert,          ///< another fatal alert (RFC 5246, 7.2); code() is its number
  kOutOfMemory,    ///< of mbedTLS or lwIP
  kProtocol,       ///< anything else; code() has mbedTLS's number
};
/// For a person; static storage.
const char* failure_text(TlsFailure failure) noexcept;

/// One TLS client over one TCP connection at a time. Not ISR-safe: all calls come from the main loop.
class TlsStream {
 public:
  /// How far the connection is.
  enum class State : uint8_t { kClosed, kConnecting, kShakingHands, kOpen };

  /// Sets up mbedTLS. Call once, after tls_memory::initialize().
  ///
  /// @returns kOk; kDamaged when a certificate or the key does not parse, or memory for them is short; kUnavailable
  ///          without entropy.
  Status configure(const TlsCredentials& credentials) noexcept;

  /// From the next connection on these, in place of what is in use; closes the stream. @returns kOk or kDamaged, as
  /// above: then it must be told of others before it connects.
  Status change_credentials(const CredentialView& own) noexcept;

  /// Where the keys of renewals get their random bits; after configure().
  MbedtlsRandom random() noexcept { return {&skink_mbedtls_random_draw, &random_}; }

  /// Begins to connect; poll() goes on. A stream that is not closed is closed first. A failure is a state: kClosed.
  void connect(const ip_addr_t& address, uint16_t port) noexcept;

  /// Does what can be done now, without waiting; a full handshake computes for long (docs/cycle-report.md). Call it
  /// whenever frames have come, and after lwIP's timers have run.
  void poll() noexcept;

  /// Where the connection stands now.
  State state() const noexcept { return state_; }

  /// Why the state is kClosed.
  TlsFailure failure() const noexcept { return failure_; }
  /// The number that belongs to failure(), see TlsFailure; else 0.
  int code() const noexcept { return code_; }
  /// Did the last handshake resume the session of an earlier one?
  bool was_resumed() const noexcept { return was_resumed_; }

  /// Bytes that TCP has brought since the start, of records that are complete or not; wraps at 2^32.
  uint32_t received_bytes() const noexcept { return received_bytes_; }

  /// Takes what fits now; the bytes are copied. @returns how many bytes; 0: later, or not open.
  size_t write(Bytes bytes) noexcept;

  /// Reads what has come. @returns how many bytes were there; 0: none now, or not open.
  size_t read(MutableBytes out) noexcept;

  /// Closes both TLS and TCP; says goodbye if the connection still stands. `failure` is what failure() says.
  void close(TlsFailure failure = TlsFailure::kNone) noexcept { close(failure, 0); }

 private:
  void close(TlsFailure failure, int code) noexcept;
  void fail(int code) noexcept;
  void shake_hands() noexcept;
  void drop_session() noexcept;
  Status read(const CredentialView& own) noexcept;
  bool flush() noexcept;
  int send(const unsigned char* bytes, size_t count) noexcept;
  int receive(unsigned char* out, size_t count) noexcept;
  err_t take(pbuf* packet) noexcept;

  State state_ = State::kClosed;
  TlsFailure failure_ = TlsFailure::kNone;
  int code_ = 0;
  bool is_connected_ = false;  ///< TCP
  bool is_finished_ = false;   ///< the peer sends no more
  bool is_broken_ = false;     ///< lwIP has freed the connection
  bool was_resumed_ = false;
  bool has_session_ = false;
  bool is_set_up_ = false;
  const char* server_name_ = "";
  tcp_pcb* pcb_ = nullptr;
  pbuf* received_ = nullptr;
  uint32_t received_bytes_ = 0;

  mbedtls_ssl_context ssl_;
  mbedtls_ssl_config config_;
  mbedtls_ssl_session session_;
  mbedtls_x509_crt authority_;
  mbedtls_x509_crt certificate_;
  mbedtls_pk_context key_;
#if SKINK_CRYPTO != SKINK_CRYPTO_PSA
  mbedtls_entropy_context entropy_;
#endif
  skink_mbedtls_random random_;
};

}  // namespace skink::firmware
