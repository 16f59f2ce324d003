#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the last alert and the session's secret have no accessor in mbedTLS 3.6
#include "skink/firmware/net/tls_stream.hpp"

#include <mbedtls/net_sockets.h>
#include <string.h>

#if defined(SKINK_COUNT_HANDSHAKE)
#include "skink/firmware/console.hpp"
#include "skink/firmware/stopwatch.hpp"
#endif

/// Of mbedTLS, in a header that is not installed: sends what is left of a record.
extern "C" int mbedtls_ssl_flush_output(mbedtls_ssl_context* ssl);

namespace skink::firmware {
namespace {

constexpr size_t kRecordBytes = 64;  ///< what TLS adds to a write, at most
static_assert(TCP_SND_BUF >= SKINK_TLS_OUT_BYTES + kRecordBytes, "a full record must fit, or write() waits for ever");

constexpr int kCipherSuites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};

#if defined(SKINK_COUNT_HANDSHAKE)  // of scripts/measure-handshake, on the board that has a stopwatch
uint32_t handshake_instructions = 0;

int do_handshake(mbedtls_ssl_context& ssl) noexcept {
  if (handshake_instructions == 0) stopwatch::start();
  const uint32_t begin = stopwatch::ticks();
  const int result = mbedtls_ssl_handshake(&ssl);
  handshake_instructions += stopwatch::instructions(begin, stopwatch::ticks());
  if (result == 0) {
    print("tls: {} instructions in the handshake", handshake_instructions);
    handshake_instructions = 0;
  }
  return result;
}
#else
int do_handshake(mbedtls_ssl_context& ssl) noexcept { return mbedtls_ssl_handshake(&ssl); }
#endif

TlsFailure failure_of_certificate(uint32_t flags) noexcept {
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return TlsFailure::kUntrusted;
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) return TlsFailure::kExpired;
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) return TlsFailure::kNotYetValid;
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return TlsFailure::kWrongName;
  return TlsFailure::kUntrusted;
}

/// Alerts about a certificate (RFC 5246, 7.2.2): bad, unsupported, revoked, expired, unknown; unknown CA, access
/// denied.
bool is_about_certificate(int alert) noexcept {
  return (alert >= MBEDTLS_SSL_ALERT_MSG_BAD_CERT && alert <= MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN) ||
         alert == MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA || alert == MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED;
}

/// The largest fragment that both buffers hold; mbedTLS refuses a larger one.
constexpr unsigned char fragment_code() noexcept {
  constexpr int kBytes = SKINK_TLS_IN_BYTES < SKINK_TLS_OUT_BYTES ? SKINK_TLS_IN_BYTES : SKINK_TLS_OUT_BYTES;
  return kBytes >= 4096   ? MBEDTLS_SSL_MAX_FRAG_LEN_4096
         : kBytes >= 2048 ? MBEDTLS_SSL_MAX_FRAG_LEN_2048
                          : MBEDTLS_SSL_MAX_FRAG_LEN_1024;
}

}  // namespace

const char* failure_text(TlsFailure failure) noexcept {
  switch (failure) {
    case TlsFailure::kNone: return "closed by this device";
    case TlsFailure::kUnreachable: return "the broker does not answer";
    case TlsFailure::kClosed: return "the broker closed the connection";
    case TlsFailure::kReset: return "the connection broke";
    case TlsFailure::kUntrusted: return "the broker's certificate is not from this fleet's CA";
    case TlsFailure::kWrongName: return "the broker's certificate is for another host name";
    case TlsFailure::kExpired: return "the broker's certificate has expired";
    case TlsFailure::kNotYetValid: return "the broker's certificate is not valid yet: is the clock right?";
    case TlsFailure::kRefusedByPeer: return "the broker refuses this device's certificate";
    case TlsFailure::kAlert: return "the broker ended TLS with an alert";
    case TlsFailure::kOutOfMemory: return "TLS is out of memory";
    case TlsFailure::kProtocol: return "TLS failed";
  }
  return "unknown";
}

Status TlsStream::configure(const TlsCredentials& credentials) noexcept {
  mbedtls_ssl_config_init(&config_);
  mbedtls_ssl_session_init(&session_);
  mbedtls_x509_crt_init(&authority_);
  mbedtls_x509_crt_init(&certificate_);
  mbedtls_pk_init(&key_);
  skink_mbedtls_random_init(&random_);
  server_name_ = credentials.server_name;
#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
  const int seeded = skink_mbedtls_random_seed(&random_, nullptr, nullptr);
#else
  mbedtls_entropy_init(&entropy_);
  const int seeded = skink_mbedtls_random_seed(&random_, mbedtls_entropy_func, &entropy_);
#endif
  if (seeded != 0) return Status::kUnavailable;
  return read(credentials.own);
}

Status TlsStream::change_credentials(const CredentialView& own) noexcept {
  close();
  drop_session();
  mbedtls_ssl_config_free(&config_);
  mbedtls_x509_crt_free(&authority_);
  mbedtls_x509_crt_free(&certificate_);
  mbedtls_pk_free(&key_);
  mbedtls_ssl_config_init(&config_);
  mbedtls_x509_crt_init(&authority_);
  mbedtls_x509_crt_init(&certificate_);
  mbedtls_pk_init(&key_);
  return read(own);
}

Status TlsStream::read(const CredentialView& own) noexcept {
  if (parse_certificates(authority_, own.authorities) != 0 || parse_certificates(certificate_, own.certificate) != 0 ||
      parse_private_key(key_, own.private_key, random()) != 0 ||
      mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                  MBEDTLS_SSL_PRESET_DEFAULT) != 0 ||
      mbedtls_ssl_conf_max_frag_len(&config_, fragment_code()) != 0 ||
      mbedtls_ssl_conf_own_cert(&config_, &certificate_, &key_) != 0) {
    return Status::kDamaged;
  }
  skink_mbedtls_conf_random(&config_, &random_);
  mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ciphersuites(&config_, kCipherSuites);
  mbedtls_ssl_conf_ca_chain(&config_, &authority_, nullptr);
  return Status::kOk;
}

void TlsStream::connect(const ip_addr_t& address, uint16_t port) noexcept {
  close(TlsFailure::kNone, 0);
  state_ = State::kConnecting;
  is_connected_ = is_finished_ = is_broken_ = was_resumed_ = false;
  mbedtls_ssl_init(&ssl_);
  is_set_up_ = true;
  int result = mbedtls_ssl_setup(&ssl_, &config_);
  if (result == 0) result = mbedtls_ssl_set_hostname(&ssl_, server_name_);
  if (result == 0 && has_session_) result = mbedtls_ssl_set_session(&ssl_, &session_);
  if (result != 0) {
    fail(result);
    return;
  }
  mbedtls_ssl_set_bio(
      &ssl_, this,
      [](void* context, const unsigned char* bytes, size_t count) {
        return static_cast<TlsStream*>(context)->send(bytes, count);
      },
      [](void* context, unsigned char* out, size_t count) {
        return static_cast<TlsStream*>(context)->receive(out, count);
      },
      nullptr);
  pcb_ = tcp_new_ip_type(IPADDR_TYPE_V4);
  if (pcb_ == nullptr) {
    close(TlsFailure::kOutOfMemory, 0);
    return;
  }
  tcp_arg(pcb_, this);
  tcp_err(pcb_, [](void* context, err_t /*error*/) {
    auto* stream = static_cast<TlsStream*>(context);
    stream->pcb_ = nullptr;  // lwIP has freed it
    stream->is_broken_ = true;
  });
  tcp_recv(pcb_, [](void* context, tcp_pcb* /*pcb*/, pbuf* packet, err_t /*error*/) {
    return static_cast<TlsStream*>(context)->take(packet);
  });
  tcp_nagle_disable(pcb_);
  const err_t begun = tcp_connect(pcb_, &address, port, [](void* context, tcp_pcb* /*pcb*/, err_t /*error*/) {
    static_cast<TlsStream*>(context)->is_connected_ = true;
    return err_t{ERR_OK};
  });
  if (begun != ERR_OK) close(TlsFailure::kUnreachable, begun);
}

void TlsStream::poll() noexcept {
  if (state_ == State::kConnecting && is_connected_) state_ = State::kShakingHands;
  if (state_ == State::kShakingHands) shake_hands();
  if (state_ == State::kOpen) (void)flush();
  if (is_broken_ && received_ == nullptr && state_ != State::kClosed) {
    close(is_connected_ ? TlsFailure::kReset : TlsFailure::kUnreachable, 0);
  }
  if (pcb_ != nullptr) (void)tcp_output(pcb_);
}

void TlsStream::shake_hands() noexcept {
  const int result = do_handshake(ssl_);
  if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) return;
  if (result != 0) {
    drop_session();  // if it was the session's fault, the next attempt does without
    fail(result);
    return;
  }
  state_ = State::kOpen;
  // A resumed session keeps its master secret; the certificate was checked in the handshake that made it.
  was_resumed_ = has_session_ && memcmp(ssl_.session->master, session_.master, sizeof session_.master) == 0;
  drop_session();
  has_session_ = mbedtls_ssl_get_session(&ssl_, &session_) == 0;
}

void TlsStream::drop_session() noexcept {
  mbedtls_ssl_session_free(&session_);
  mbedtls_ssl_session_init(&session_);
  has_session_ = false;
}

void TlsStream::fail(int code) noexcept {
  const uint32_t flags = code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? mbedtls_ssl_get_verify_result(&ssl_) : 0;
  TlsFailure failure = TlsFailure::kProtocol;
  if (flags != 0) {
    failure = failure_of_certificate(flags);
  } else if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    code = ssl_.in_msg[1];
    failure = is_about_certificate(code) ? TlsFailure::kRefusedByPeer : TlsFailure::kAlert;
  } else if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || code == MBEDTLS_ERR_SSL_CONN_EOF) {
    failure = TlsFailure::kClosed;
  } else if (code == MBEDTLS_ERR_NET_CONN_RESET) {
    failure = TlsFailure::kReset;
  } else if (skink_mbedtls_is_out_of_memory(code) != 0) {
    failure = TlsFailure::kOutOfMemory;
  }
  close(failure, code);
}

void TlsStream::close(TlsFailure failure, int code) noexcept {
  failure_ = failure;
  code_ = code;
  if (state_ == State::kOpen && pcb_ != nullptr) (void)mbedtls_ssl_close_notify(&ssl_);
  state_ = State::kClosed;
  if (pcb_ != nullptr) {
    tcp_pcb* pcb = pcb_;
    pcb_ = nullptr;
    tcp_arg(pcb, nullptr);
    tcp_recv(pcb, nullptr);
    tcp_err(pcb, nullptr);
    if (tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
  }
  if (received_ != nullptr) (void)pbuf_free(received_);
  received_ = nullptr;
  if (is_set_up_) mbedtls_ssl_free(&ssl_);
  is_set_up_ = false;
}

// ---- data -----------------------------------------------------------------------------------------------------------

/// A record is encrypted once; when TCP does not take all of it, mbedTLS keeps the rest, and the bytes are written.
size_t TlsStream::write(Bytes bytes) noexcept {
  if (state_ != State::kOpen || bytes.empty() || !flush()) return 0;
  const auto limit = static_cast<size_t>(mbedtls_ssl_get_max_out_record_payload(&ssl_));
  const size_t count = bytes.size() < limit ? bytes.size() : limit;
  if (pcb_ != nullptr && tcp_sndbuf(pcb_) < count + kRecordBytes) return 0;
  const int result = mbedtls_ssl_write(&ssl_, bytes.data(), count);
  if (result == MBEDTLS_ERR_SSL_WANT_WRITE) return count;
  if (result > 0) return static_cast<size_t>(result);
  fail(result);
  return 0;
}

/// True: nothing is pending of what mbedTLS wrote, our records and its own alerts.
bool TlsStream::flush() noexcept {
  const int result = mbedtls_ssl_flush_output(&ssl_);
  if (result != 0 && result != MBEDTLS_ERR_SSL_WANT_WRITE) fail(result);
  return result == 0;
}

size_t TlsStream::read(MutableBytes out) noexcept {
  if (state_ != State::kOpen) return 0;
  const int result = mbedtls_ssl_read(&ssl_, out.data(), out.size());
  if (result > 0) return static_cast<size_t>(result);
  if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) return 0;
  fail(result == 0 ? MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY : result);
  return 0;
}

int TlsStream::send(const unsigned char* bytes, size_t count) noexcept {
  if (pcb_ == nullptr) return MBEDTLS_ERR_NET_CONN_RESET;
  const size_t room = tcp_sndbuf(pcb_);
  if (count > room) count = room;
  if (count > 0 && tcp_write(pcb_, bytes, static_cast<u16_t>(count), TCP_WRITE_FLAG_COPY) == ERR_OK) {
    return static_cast<int>(count);
  }
  return MBEDTLS_ERR_SSL_WANT_WRITE;
}

int TlsStream::receive(unsigned char* out, size_t count) noexcept {
  if (received_ == nullptr) {
    if (is_finished_) return 0;
    return is_broken_ ? MBEDTLS_ERR_NET_CONN_RESET : MBEDTLS_ERR_SSL_WANT_READ;
  }
  pbuf* first = received_;
  if (count > first->len) count = first->len;
  memcpy(out, first->payload, count);
  received_ = pbuf_free_header(first, static_cast<u16_t>(count));
  if (pcb_ != nullptr)
    tcp_recved(pcb_, static_cast<u16_t>(count));  // the window opens again as mbedTLS takes the bytes
  return static_cast<int>(count);
}

err_t TlsStream::take(pbuf* packet) noexcept {
  if (packet != nullptr) received_bytes_ += packet->tot_len;
  if (packet == nullptr) {
    is_finished_ = true;
  } else if (received_ == nullptr) {
    received_ = packet;
  } else {
    pbuf_cat(received_, packet);
  }
  return ERR_OK;
}

}  // namespace skink::firmware
