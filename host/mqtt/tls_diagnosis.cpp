#include "tls_diagnosis.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "tls_credentials.hpp"

namespace skink::mqtt::internal {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience(3);
/// With TLS 1.3 the broker's judgement of our certificate comes after the handshake.
constexpr std::chrono::milliseconds kLateAlertPatience(700);

struct Socket {
  explicit Socket(int descriptor) : fd(descriptor) {}
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd;
};

std::string address_of(const SessionOptions& options) { return options.host + ":" + std::to_string(options.port); }

bool wait_ready(int fd, short what, Clock::time_point deadline, const std::stop_token& stop) {
  constexpr int kSliceMs = 50;
  while (Clock::now() < deadline && !stop.stop_requested()) {
    pollfd entry{fd, what, 0};
    if (::poll(&entry, 1, kSliceMs) > 0) return true;
  }
  return false;
}

/// 0, or an errno.
int connect_to(const Socket& socket, const addrinfo& address, Clock::time_point deadline, const std::stop_token& stop) {
  if (socket.fd < 0) return errno;
  if (::connect(socket.fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait_ready(socket.fd, POLLOUT, deadline, stop)) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

/// OpenSSL reports an alert of the peer as this plus the alert's number (RFC 8446, 6).
constexpr int kAlertBase = SSL_AD_REASON_OFFSET;

bool is_about_certificate(int alert) {
  constexpr int kHandshakeFailure = 40, kFirst = 41, kLast = 49, kCertificateRequired = 116;
  return alert == kHandshakeFailure || (alert >= kFirst && alert <= kLast && alert != 47) ||
         alert == kCertificateRequired;
}

Diagnosis refused_by_us(const SessionOptions& options, long verdict) {
  std::string text = "TLS: certificate verify failed: the certificate of the broker at " + address_of(options);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    text += " is not for '" + options.host + "'; use the name that it was issued for";
  } else {
    text += std::string(" is not accepted (") + X509_verify_cert_error_string(verdict) + "); is '" + options.ca_file +
            "' the CA that signed it?";
  }
  return {DisconnectReason::kCertificate, text};
}

/// What the broker has against a certificate, in words that help.
std::string objection(const SessionOptions& options, int alert) {
  const std::string problem = validity_problem(options.certificate_file);
  if (alert == SSL_AD_CERTIFICATE_REVOKED) return "it is revoked, and stays so; provision the device under a new id";
  if (!problem.empty()) return "it " + problem;
  if (alert != SSL_AD_CERTIFICATE_EXPIRED) return "it must be signed by the CA that the broker trusts";
  return "it has not expired, so the broker's clock is wrong or its revocation list is out of date ('skinkctl crl "
         "renew')";
}

/// @param[in] alert  number of the peer's TLS alert; 0 when there was none.
Diagnosis refused_by_broker(const SessionOptions& options, int alert, const std::string& alert_text) {
  return {DisconnectReason::kCertificate, "TLS: the broker at " + address_of(options) + " refuses the certificate '" +
                                              options.certificate_file + "' (" + alert_text +
                                              "): " + objection(options, alert)};
}

/// What the last failed call of OpenSSL means.
Diagnosis judge_failure(const SessionOptions& options, SSL* ssl) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) return refused_by_us(options, verdict);
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
    ERR_clear_error();
    return {DisconnectReason::kRefused, address_of(options) + " does not speak TLS; is it the broker's TLS port?"};
  }
  const std::string text =
      error != 0 ? take_openssl_error()
                 : "it closed the connection; is it the broker's TLS port (mostly 8883; 1883 is that without TLS)?";
  const int alert = reason > kAlertBase ? reason - kAlertBase : 0;
  const bool is_its_fault = is_about_certificate(alert) || !validity_problem(options.certificate_file).empty();
  if (is_its_fault) return refused_by_broker(options, alert, text);
  return {DisconnectReason::kRefused, "TLS: handshake with the broker at " + address_of(options) + " failed: " + text};
}

bool wants_more(SSL* ssl, int result, int fd, Clock::time_point deadline, const std::stop_token& stop) {
  const int wanted = SSL_get_error(ssl, result);
  if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) return false;
  return wait_ready(fd, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline, stop);
}

Diagnosis try_tls(const SessionOptions& options, const Socket& socket, const std::stop_token& stop) {
  const Result<SslContext> context = load_credentials(options);
  if (!context) return {DisconnectReason::kCertificate, context.error().message};
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context->get()), &SSL_free);
  if (!ssl || SSL_set_fd(ssl.get(), socket.fd) != 1) return {DisconnectReason::kUnreachable, take_openssl_error()};
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), options.host.c_str()) != 1) {
    SSL_set1_host(ssl.get(), options.host.c_str());
    // SSL_set_tlsext_host_name without its old-style cast.
    SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(options.host.c_str()));
  }
  ERR_clear_error();

  Clock::time_point deadline = Clock::now() + kPatience;
  int result = 0;
  do {
    result = SSL_connect(ssl.get());
  } while (result != 1 && wants_more(ssl.get(), result, socket.fd, deadline, stop));
  if (result != 1) {
    const int error = SSL_get_error(ssl.get(), result);
    const bool is_silent = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    if (!is_silent) return judge_failure(options, ssl.get());
    return {DisconnectReason::kUnreachable, address_of(options) + " does not answer; is it the broker's TLS port?"};
  }

  deadline = Clock::now() + kLateAlertPatience;
  char byte = 0;
  do {
    result = SSL_read(ssl.get(), &byte, 1);
  } while (result != 1 && wants_more(ssl.get(), result, socket.fd, deadline, stop));
  if (result != 1 && SSL_get_error(ssl.get(), result) == SSL_ERROR_SSL) return judge_failure(options, ssl.get());
  return {DisconnectReason::kUnreachable, "the broker at " + address_of(options) + " did not complete the connection"};
}

}  // namespace

Diagnosis diagnose_connection(const SessionOptions& options, const std::stop_token& stop) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (failure != 0) {
    return {DisconnectReason::kUnreachable, "cannot find the host '" + options.host + "': " + ::gai_strerror(failure)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = found; address != nullptr && !stop.stop_requested(); address = address->ai_next) {
    const Socket socket(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    error = connect_to(socket, *address, Clock::now() + kPatience, stop);
    if (error == 0) return try_tls(options, socket, stop);
  }
  return {DisconnectReason::kUnreachable, "cannot reach the broker at " + address_of(options) + ": " +
                                              std::strerror(error) +
                                              (error == ECONNREFUSED ? " (is it running?)" : "")};
}

}  // namespace skink::mqtt::internal
