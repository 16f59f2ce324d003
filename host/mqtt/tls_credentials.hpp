#pragma once
/// @file
/// A session's certificate files, read with OpenSSL: are they usable, and if not, which file is at fault and why?

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "skink/host/mqtt/session.hpp"
#include "skink/host/result.hpp"

namespace skink::mqtt::internal {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

/// A client's context with CA, certificate and key of `options`.
/// @returns kUnavailable (cannot be read) or kDamaged (is not what it should be), naming the file.
Result<SslContext> load_credentials(const SessionOptions& options);

/// "has expired on ..." or "is not valid before ..."; empty when the certificate is good today, or unreadable.
std::string validity_problem(const std::string& certificate_file);

/// The first error in OpenSSL's queue of this thread as text; empties the queue.
std::string take_openssl_error();

}  // namespace skink::mqtt::internal
